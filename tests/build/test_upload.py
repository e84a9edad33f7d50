"""Releases are sent to a bucket: a real server of S3's protocol, on loopback, and the command as users give it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pythonbuild.errors import UploadFailed
from pythonbuild.home import checkout
from pythonbuild.release.bucket import open_bucket
from pythonbuild.release.collect import collect
from pythonbuild.release.folder import fill
from pythonbuild.release.upload import compare, published, send, uploads
from tests.unit.test_release import GNU, build

if sys.version_info < (3, 10):
    pytest.skip("moto is not for Python 3.9", allow_module_level=True)

from tests.bucket import KEYS, BucketServer, Cable, bucket_server

STEM = f"download/20261121/cpython-3.13.15+20261121-{GNU}"


@pytest.fixture
def server() -> Iterator[BucketServer]:
    with bucket_server() as running:
        yield running


def release(
    server: BucketServer, folder: Path, *flags: str, status: int = 0, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run the verb for a folder and the server's bucket; nothing that it prints holds a secret."""
    command = [sys.executable, "-m", "pythonbuild", "release", str(folder), *flags]
    for name, value in (("--to", server.to), ("--base-url", server.base_url)):
        command += [name, value] if name not in flags else []
    environment = {**os.environ, **server.variables, "AWS_SESSION_TOKEN": "planted-session-token", **variables}
    done = subprocess.run(command, cwd=checkout(), env=environment, capture_output=True, text=True)
    assert done.returncode == status, done.stdout + done.stderr
    for secret in (*KEYS.values(), "planted"):
        assert secret not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done


def sent(done: subprocess.CompletedProcess[str]) -> list[str]:
    return [line.split()[1] for line in done.stdout.splitlines() if line.startswith("sent  ")]


def test_all_is_there_with_its_headers_and_a_second_run_sends_nothing(server: BucketServer, tmp_path: Path) -> None:
    build(tmp_path, "noopt")
    big = tmp_path / f"cpython-3.13.15-{GNU}-pgo-20261121T1000.tar.zst"
    big.write_bytes(os.urandom(1 << 20) * 40)
    done = release(server, tmp_path)
    folder = tmp_path / "release"
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    assert len(files) == 12
    assert sorted(sent(done)) == sorted(files)
    assert sent(done)[-2:] == ["download/20261121/SHA256SUMS", "latest/download/SHA256SUMS"]
    for name, path in files.items():
        answer = server.get(name)
        assert answer.content == path.read_bytes(), name
        forever = path.name.startswith("cpython-")
        expected = "public, max-age=31536000, immutable" if forever else "public, max-age=300"
        assert answer.headers["Cache-Control"] == expected
    assert server.get("index.html").headers["Content-Type"] == "text/html; charset=utf-8"
    assert server.get(f"{STEM}-install_only.tar.gz").headers["Content-Type"] == "application/gzip"
    assert "Content-Encoding" not in server.get(f"tools/python-precompiled-{GNU}.gz").headers
    assert f"sent  {STEM}-pgo-full.tar.zst  41.9 MB" in done.stdout
    again = release(server, tmp_path)
    assert sent(again) == []
    assert "0 files sent, 0 B; 12 already there" in again.stdout


def test_sums_are_as_sha256sum_reads_them(tmp_path: Path) -> None:
    build(tmp_path, "noopt")
    build(tmp_path, "pgo")
    fill(collect(tmp_path), tmp_path / "release")
    top = tmp_path / "release/download/20261121"
    assert subprocess.run(["sha256sum", "-c", "--quiet", "--strict", "SHA256SUMS"], cwd=top).returncode == 0


def test_a_dry_run_without_a_bucket_names_the_files_and_writes_nothing(tmp_path: Path) -> None:
    build(tmp_path, "noopt")
    command = [sys.executable, "-m", "pythonbuild", "release", str(tmp_path), "--dry-run"]
    done = subprocess.run(command, cwd=checkout(), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert f"would add  {STEM}-install_only.tar.gz".replace("download/20261121/", "") in done.stdout
    assert not (tmp_path / "release").exists()


def test_a_dry_run_lists_uploads_and_sends_nothing(server: BucketServer, tmp_path: Path) -> None:
    build(tmp_path, "noopt")
    dry = release(server, tmp_path, "--dry-run")
    said = [line.split()[2] for line in dry.stdout.splitlines() if line.startswith("would send  ")]
    assert f"would send  {STEM}-noopt-full.tar.zst  " in dry.stdout
    assert "  application/zstd  public, max-age=31536000, immutable\n" in dry.stdout
    assert server.get("index.html").status_code == 404
    assert server.get("latest/download/SHA256SUMS").status_code == 404
    assert len(said) == 11
    assert sent(release(server, tmp_path)) == said


def test_files_of_a_release_are_replaced_only_with_replace(server: BucketServer, tmp_path: Path) -> None:
    build(tmp_path / "one", "noopt")
    build(tmp_path / "other", "noopt", mark="other")
    release(server, tmp_path / "one")
    before = server.get(f"{STEM}-noopt-full.tar.zst").content
    done = release(server, tmp_path / "other", status=2)
    assert "has different files with these names" in done.stderr
    assert f"{STEM}-install_only.tar.gz" in done.stderr
    assert "--replace" in done.stderr
    assert server.get(f"{STEM}-noopt-full.tar.zst").content == before
    assert b"other" not in server.get("download/20261121/SHA256SUMS").content
    release(server, tmp_path / "other", "--replace")
    assert server.get(f"{STEM}-noopt-full.tar.zst").content.endswith(b"other")


def test_releases_of_other_machines_stay_in_the_indexes(server: BucketServer, tmp_path: Path) -> None:
    build(tmp_path / "old", "noopt", python="3.12.9", tag="20261101T0000")
    build(tmp_path / "new", "pgo")
    release(server, tmp_path / "new")
    done = release(server, tmp_path / "old")
    assert not [name for name in sent(done) if name.startswith("latest/")], "the newest is another"
    assert set(server.get("download-metadata.json").json()) == {
        "cpython-3.12.9-linux-x86_64-gnu",
        "cpython-3.13.15-linux-x86_64-gnu",
    }
    page = server.get("index.html").text
    assert page.index("release 20261121") < page.index("20261101")
    assert "CPython 3.13.15, pgo" in page
    assert b"20261121" in server.get("latest/download/SHA256SUMS").content


def test_a_release_is_made_of_one_folder(server: BucketServer, tmp_path: Path) -> None:
    build(tmp_path / "one", "noopt")
    build(tmp_path / "other", "noopt", "s390x-unknown-linux-gnu")
    release(server, tmp_path / "one")
    sums = server.get("download/20261121/SHA256SUMS").content
    done = release(server, tmp_path / "other", status=2)
    assert "has more files of the same release" in done.stderr
    assert server.get("download/20261121/SHA256SUMS").content == sums


def test_a_server_that_goes_away_is_one_error_and_the_same_command_goes_on(
    server: BucketServer, tmp_path: Path
) -> None:
    build(tmp_path, "noopt")
    release(server, tmp_path, "--dry-run")
    bucket = open_bucket(server.to, server.variables)
    wanted = uploads(tmp_path / "release")
    through = send(bucket, compare(bucket, wanted))
    assert [next(through) for _ in range(3)] == wanted[:3]
    server.stop()
    with pytest.raises(UploadFailed, match="it cannot be reached") as caught:
        next(through)
    assert wanted[3].name in caught.value.message
    assert "the same command" in caught.value.hint
    done = release(server, tmp_path, status=1)
    assert done.stderr.count("\n") == 2
    assert "it cannot be reached" in done.stderr
    server.start()
    assert server.get("download/20261121/SHA256SUMS").status_code == 404
    assert sent(release(server, tmp_path)) == [upload.name for upload in wanted[3:]]


def test_a_line_that_is_cut_in_the_middle_of_a_file_leaves_no_half_of_it(server: BucketServer, tmp_path: Path) -> None:
    build(tmp_path, "noopt")
    name = f"cpython-3.13.15-{GNU}-pgo-20261121T1000.tar.zst"
    (tmp_path / name).write_bytes(os.urandom(1 << 20) * 40)
    cable = Cable(server.port, 25 << 20)
    done = release(server, tmp_path, status=1, AWS_ENDPOINT_URL=f"http://127.0.0.1:{cable.port}")
    large = f"{STEM}-pgo-full.tar.zst"
    assert f"sending {large}: it cannot be reached" in done.stderr
    assert done.stderr.count("\n") == 2
    assert len(sent(done)) >= 3
    assert server.get(large).status_code == 404
    assert server.get("latest/download/SHA256SUMS").status_code == 404
    again = sent(release(server, tmp_path))
    assert again[0] == large
    assert not set(again) & set(sent(done))
    assert server.get(large).content == (tmp_path / name).read_bytes()


def test_a_release_without_sums_is_not_listed(server: BucketServer, tmp_path: Path) -> None:
    build(tmp_path, "noopt")
    release(server, tmp_path, "--dry-run")
    bucket = open_bucket(server.to, server.variables)
    for upload in send(bucket, compare(bucket, uploads(tmp_path / "release"))):
        if upload.name.endswith(".html"):
            break
    assert published(bucket, ()) == []


def test_keys_that_are_not_known_are_one_error(server: BucketServer, tmp_path: Path) -> None:
    build(tmp_path, "noopt")
    server.refuse()
    done = release(server, tmp_path, status=1)
    assert "it rejects these credentials" in done.stderr
    assert "AWS_SECRET_ACCESS_KEY" in done.stderr


@pytest.mark.parametrize(
    ("flags", "variables", "said"),
    [
        (["--to", "s3://nowhere/x"], {}, "the bucket does not exist"),
        (["--to", "s3://user:planted@pythons/x"], {}, "--to names no bucket"),
        (["--to", "https://planted.example.org/x"], {}, "--to names no bucket"),
        (
            [],
            {"AWS_SECRET_ACCESS_KEY": ""},
            "no credentials for s3://pythons/python: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not both set",
        ),
        ([], {"AWS_ENDPOINT_URL": "planted.example.org"}, "AWS_ENDPOINT_URL is not an address"),
        (["--base-url", ""], {}, "--base-url has an empty value"),
        (["--base-url", "example.org"], {}, "is not a URL"),
        (["--sign", "planted"], {}, "--sign names no key"),
        (["--apt", "there"], {}, "--base-url cannot be combined with --apt"),
    ],
)
def test_a_bad_request_is_one_error(
    flags: list[str], variables: dict[str, str], said: str, server: BucketServer, tmp_path: Path
) -> None:
    build(tmp_path, "noopt")
    done = release(server, tmp_path, *flags, status=1 if "nowhere" in str(flags) else 2, **variables)
    assert said in done.stderr
    assert done.stderr.count("\n") == 2


def test_a_bucket_needs_its_public_address(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pythonbuild", "release", str(tmp_path), "--to", "s3://bucket/prefix"]
    done = subprocess.run(command, cwd=checkout(), capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (
        2,
        "python -m pythonbuild: --to needs --base-url\n  indexes need the bucket's public address\n",
    )


def test_a_stale_signature_goes_before_other_sums_come(server: BucketServer, tmp_path: Path) -> None:
    build(tmp_path, "noopt")
    release(server, tmp_path)
    for top in ("download/20261121", "latest/download"):
        (tmp_path / "release" / top / "SHA256SUMS.minisig").write_text("of the sums as they are")
    release(server, tmp_path)
    assert server.get("latest/download/SHA256SUMS.minisig").status_code == 200
    build(tmp_path, "pgo")
    build(tmp_path, "lto")
    done = release(server, tmp_path, "--replace")
    assert "SHA256SUMS.minisig" not in " ".join(sent(done))
    for top in ("download/20261121", "latest/download"):
        assert server.get(f"{top}/SHA256SUMS.minisig").status_code == 404
