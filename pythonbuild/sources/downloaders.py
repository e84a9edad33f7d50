"""Downloads: HTTP, mirrors addressed by SHA-256, Debian mirrors through apt, wheels and sdists through pip.

Each function writes the file of an origin to a path, or raises `CannotFetch` with a readable reason.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from pythonbuild.catalog.schema import Origin

__all__ = ["CannotFetch", "Downloader", "Progress", "package_versions"]

Progress = Callable[[int, int], None]
_APT_HELPER = "/usr/lib/apt/apt-helper"
_TIMEOUT = (10, 60)  # seconds to connect, seconds between bytes


class CannotFetch(Exception):
    """An origin or an upstream did not deliver; the text is the reason."""


class Downloader:
    """Downloads files.  It remembers unreachable hosts, so each costs one attempt in a run."""

    def __init__(self, mirrors: tuple[str, ...] = ()) -> None:
        self._mirrors = mirrors
        self._unreachable: dict[str, str] = {}
        self._session = requests.Session()
        retry = Retry(
            total=3,
            connect=0,
            backoff_factor=0.5,
            status_forcelist=(429, 500, 502, 503, 504),
            respect_retry_after_header=True,
        )
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, HTTPAdapter(max_retries=retry, pool_maxsize=8))

    def places(self, origin: Origin) -> list[tuple[str, Callable[[Path, Progress], None]]]:
        """Return pairs of a label and a download function for an origin, the user's mirrors first.

        An origin without a SHA-256, of a version that is not pinned yet, is not downloaded from mirrors, which require the SHA-256.
        """
        ways: list[tuple[str, Callable[[Path, Progress], None]]] = []
        for mirror in self._mirrors if origin.sha256 else ():
            address = f"{mirror.rstrip('/')}/{origin.sha256}"
            ways.append((address, lambda path, progress, address=address: self._from_mirror(address, path, progress)))  # type: ignore[misc]
        if origin.url:
            url = origin.url
            ways.append((url, lambda path, progress: self._http(url, path, progress)))
        if origin.debian:
            ways.append((origin.place, lambda path, progress: _apt(origin, path)))
        if origin.wheel or origin.sdist:
            ways.append((origin.place, lambda path, progress: _pip(origin, path)))
        return ways

    def page(self, url: str) -> tuple[str, str]:
        """Return the text at a URL, and the URL of the next page ("" if there is none).  Raises CannotFetch."""
        host = urlsplit(url).netloc
        if host in self._unreachable:
            raise CannotFetch(self._unreachable[host])
        try:
            response = self._session.get(url, timeout=_TIMEOUT)
            text = response.text
        except requests.exceptions.ConnectionError as error:
            raise self._lost(host, error) from error
        except requests.RequestException as error:
            raise CannotFetch(f"{url}: {error}") from error
        if not response.ok:
            raise CannotFetch(f"{url}: HTTP {response.status_code} {response.reason}")
        return text, response.links.get("next", {}).get("url", "")

    def _lost(self, host: str, error: Exception) -> CannotFetch:
        """Remember an unreachable host, and return the error to raise."""
        self._unreachable[host] = f"{host} cannot be reached ({_cause(error)})"
        return CannotFetch(self._unreachable[host])

    def _from_mirror(self, address: str, path: Path, progress: Progress) -> None:
        if "://" in address:
            return self._http(address, path, progress)
        if not Path(address).is_file():
            raise CannotFetch("no such file")
        shutil.copyfile(address, path)
        return None

    def _http(self, url: str, path: Path, progress: Progress) -> None:
        host = urlsplit(url).netloc
        if host in self._unreachable:
            raise CannotFetch(self._unreachable[host])
        attempts = 3
        for attempt in range(attempts):
            try:
                return self._transfer(url, path, progress)
            except (requests.exceptions.ChunkedEncodingError, requests.exceptions.ReadTimeout) as error:
                if attempt == attempts - 1:
                    raise CannotFetch(f"the connection broke {attempts} times ({type(error).__name__})") from error
            except requests.exceptions.ConnectionError as error:
                raise self._lost(host, error) from error
            except requests.RequestException as error:
                raise CannotFetch(str(error)) from error
        return None

    def _transfer(self, url: str, path: Path, progress: Progress) -> None:
        have = path.stat().st_size if path.exists() else 0
        headers = {"Range": f"bytes={have}-"} if have else {}
        with self._session.get(url, stream=True, timeout=_TIMEOUT, headers=headers) as response:
            if response.status_code == requests.codes.requested_range_not_satisfiable:
                path.unlink()
                raise requests.exceptions.ChunkedEncodingError("the partial file is longer than the complete file")
            if not response.ok:
                raise CannotFetch(f"HTTP {response.status_code} {response.reason}")
            resumed = response.status_code == requests.codes.partial_content
            done = have if resumed else 0
            total = done + int(response.headers.get("Content-Length") or 0)
            with open(path, "ab" if resumed else "wb") as file:
                for block in response.iter_content(1 << 16):
                    file.write(block)
                    done += len(block)
                    progress(done, total)
        if total > done:
            raise requests.exceptions.ChunkedEncodingError(f"{done} of {total} bytes arrived")


def _cause(error: BaseException) -> str:
    text = str(error)
    for known in (
        "Name or service not known",
        "Temporary failure in name resolution",
        "Connection refused",
        "Network is unreachable",
    ):
        if known in text:
            return known.lower()
    return "timed out" if "timed out" in text else type(error).__name__


@lru_cache(maxsize=1)
def debian_mirrors() -> tuple[str, ...]:
    """Return the URLs of the Debian mirrors in this machine's apt configuration, those that end in /debian first."""
    if not shutil.which("apt-get"):
        return ()
    command = ["apt-get", "indextargets", "--no-release-info", "--format", "$(REPO_URI)", "Created-By: Packages"]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    roots = dict.fromkeys(line.rstrip("/") for line in done.stdout.splitlines() if line)
    return tuple(sorted(roots, key=lambda root: not root.endswith("/debian")))


def _apt(origin: Origin, path: Path) -> None:
    if not Path(_APT_HELPER).exists():
        raise CannotFetch("this machine has no apt, which downloads from Debian mirrors")
    reason = "apt has no mirror configured"
    for root in debian_mirrors():
        # In a folder that the user _apt can enter, because apt drops its privileges when root calls it.
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            file = Path(folder) / "file"
            command = [_APT_HELPER, "-o", "APT::Sandbox::User=", "download-file", f"{root}/{origin.debian}", str(file)]
            done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
            if done.returncode == 0 and file.exists():
                file.replace(path)
                return
            errors = [line for line in (done.stdout + done.stderr).splitlines() if line.startswith(("E:", "Err:"))]
            reason = errors[-1] if errors else f"apt-helper exited with {done.returncode}"
    raise CannotFetch(reason)


def package_versions(project: str) -> list[str]:
    """Return the versions for which pip's package index has an sdist.  Raises CannotFetch."""
    command = [sys.executable, "-m", "pip", "index", "versions", "--disable-pip-version-check"]
    command += ["--ignore-requires-python", "--no-binary", project, project]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    listed = re.search(r"^Available versions: (.+)$", done.stdout, re.MULTILINE)
    if done.returncode or not listed:
        errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        raise CannotFetch(f"pip: {errors[-1]}" if errors else f"pip index exited with {done.returncode}")
    return listed[1].split(", ")


def _pip(origin: Origin, path: Path) -> None:
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        requirement = Path(folder) / "requirement.txt"
        known = f" --hash=sha256:{origin.sha256}" if origin.sha256 else ""
        requirement.write_text(f"{origin.wheel or origin.sdist}{known}\n")
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        command += ["--require-hashes"] if known else []
        if origin.sdist:
            # After the hash check, pip builds the metadata of the sdist, with build tools that it downloads as wheels.
            command += ["--no-binary", origin.sdist.split("==")[0]]
        else:
            command += ["--only-binary", ":all:", "--platform", origin.platform]
        command += ["--dest", folder, "-r", str(requirement)]
        done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        files = [file for file in Path(folder).iterdir() if file != requirement]
        if done.returncode or not files:
            errors = [line for line in done.stderr.splitlines() if "ERROR" in line]
            raise CannotFetch(errors[-1] if errors else f"pip exited with {done.returncode}")
        files[0].replace(path)
