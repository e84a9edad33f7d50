"""The fixtures for `update`: a checkout with the real recipes, and a server on loopback as a stand-in for all upstreams."""

from __future__ import annotations

import gzip
import hashlib
import http.server
import io
import json
import lzma
import os
import re
import shutil
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from pythonbuild.home import checkout

__all__ = ["Copy", "Server", "make_copy", "release", "releases", "sha256", "tarball", "upstreams"]

_MAIN = (
    "import sys; from pythonbuild.cli.main import main; from pythonbuild.program import Program; "
    "sys.exit(main(sys.argv[1:], Program.named('pythonbuild')))"
)


@dataclass
class Server:
    """Files by host and path; those in `cut` break off in the middle, each time they are asked for; those in `busy` are not there once."""

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    cut: set[str] = field(default_factory=set)
    busy: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)


@contextmanager
def upstreams() -> Iterator[Server]:
    """Run a server until the end of the block."""
    made = Server()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path[1:]
            made.asked.append(path)
            content = made.files.get(path)
            if content is None or path in made.busy:
                status = 503 if path in made.busy else 404
                made.busy.discard(path)
                self.send_error(status)
                return
            start = int((self.headers.get("Range") or "bytes=0-")[6:-1])
            self.send_response(206 if start else 200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(content) - start))
            self.end_headers()
            self.wfile.write(content[start : len(content) // 2 if path in made.cut else None])

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield made
    server.shutdown()
    server.server_close()
    thread.join()


@dataclass
class Copy:
    """A checkout, and how to call it."""

    root: Path
    cache: Path
    server: Server
    environment: dict[str, str] = field(default_factory=dict)

    def update(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PYTHON", "PIP_")) and "proxy" not in name.lower()
        }
        variables = {**inherited, "PYTHONPATH": str(self.root), "PYTHONBUILD_HOME": str(self.cache), **self.environment}
        done = subprocess.run(
            [sys.executable, "-c", _MAIN, "update", *arguments],
            env=variables,
            cwd=self.root,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert "Traceback" not in done.stderr
        return done

    def file(self, name: str) -> Path:
        """Return the YAML file of a recipe; or, by "cpython", that of all Pythons."""
        unix, windows = self.root / "cpython-unix", self.root / "cpython-windows"
        if name == "cpython":
            return unix / "pythons.yml"
        path = unix / "packages" / name / "recipe.yml"
        return path if path.exists() else windows / "packages" / name / "recipe.yml"

    def here(self, name: str) -> None:
        """Lead the upstream of a recipe to the server."""
        self.lead(self.file(name))

    def lead(self, path: Path) -> None:
        """Lead the upstream in a YAML file to the server."""
        before, upstream, after = re.split(r"(?ms)^(upstream:\n(?:[ #][^\n]*\n)+)", path.read_text())
        upstream = re.sub(r"https?://", f"{self.server.url}/", upstream)
        if "github:" in upstream:
            upstream += f"  api: {self.server.url}/api.github.com\n"
        path.write_text(before + upstream + after)

    def state(self) -> dict[Path, bytes]:
        return {
            path: path.read_bytes()
            for folder in self.root.glob("cpython-*")
            for path in folder.rglob("*")
            if path.is_file()
        }


def make_copy(folder: Path, server: Server) -> Copy:
    """Make a checkout below a folder."""
    made = Copy(folder / "checkout", folder / "cache", server)
    ignored = shutil.ignore_patterns("__pycache__")
    for name in ("pythonbuild", "cpython-unix", "cpython-windows", "docker"):
        shutil.copytree(checkout() / name, made.root / name, ignore=ignored)
    return made


def tarball(kind: str, **files: str) -> bytes:
    """Return a tarball with one top folder; kind: gz or xz."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as tar:
        for name, text in {"README": "x" * 50_000 + os.urandom(500).hex(), **files}.items():
            info = tarfile.TarInfo(f"top/{name}")
            info.size = len(text)
            tar.addfile(info, io.BytesIO(text.encode()))
    compress = gzip.compress if kind == "gz" else lzma.compress
    return compress(content.getvalue())


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def release(
    server: Server, repository: str, *assets: tuple[str, str | None], prerelease: bool = False
) -> dict[str, object]:
    """Return a release as GitHub's API has it; assets: (name, sum)."""
    return {
        "tag_name": "v",
        "draft": False,
        "prerelease": prerelease,
        "assets": [
            {"name": name, "browser_download_url": f"{server.url}/github.com/{repository}/{name}", "digest": digest}
            for name, digest in assets
        ],
    }


def releases(server: Server, repository: str, *found: dict[str, object]) -> None:
    server.files[f"api.github.com/repos/{repository}/releases?per_page=100"] = json.dumps(found).encode()
