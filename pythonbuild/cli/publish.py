"""The verb `release`: collects archives into a release folder, and uploads it to a bucket."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from urllib.parse import urlsplit

from pythonbuild.catalog.load import own_catalog
from pythonbuild.cli.packages import release_packages
from pythonbuild.cli.report import warn
from pythonbuild.errors import BadRequest
from pythonbuild.flags.archives import ReleaseFlags
from pythonbuild.flags.declared import refuse
from pythonbuild.host.settings import read_settings
from pythonbuild.release.bucket import Bucket, open_bucket
from pythonbuild.release.collect import collect
from pythonbuild.release.folder import fill, read_releases
from pythonbuild.release.indexes import write_indexes
from pythonbuild.release.sign import Signer
from pythonbuild.release.upload import Upload, compare, published, send, uploads
from pythonbuild.units import size

__all__ = ["release"]


def release(flags: ReleaseFlags) -> int:
    """Make a release from a folder of archives, and upload it; or, with --apt, add packages to a repository."""
    if flags.apt:
        refuse(flags, "archives", "cannot be combined with --apt", "drop one or the other")
        return release_packages(flags)
    if len(flags.what) != 1:
        raise BadRequest(
            f"a release takes one folder, not {', '.join(flags.what)}", "for Debian packages, add --apt DIR"
        )
    if flags.to and not flags.base_url:
        raise BadRequest("--to needs --base-url", "indexes need the bucket's public address")
    if flags.base_url and urlsplit(flags.base_url).scheme not in ("http", "https", "file"):
        raise BadRequest(f"--base-url {flags.base_url} is not a URL", "write https://host/path")
    bucket = open_bucket(flags.to, read_settings(os.environ, warn)) if flags.to else None
    signer = Signer.parse(flags.sign) if flags.sign else None
    collected = collect(Path(flags.what[0]), flags.tag)
    for note in collected.notes:
        _say(note)
    folder = Path(flags.output) if flags.output else Path(flags.what[0]) / "release"
    if flags.dry_run and not bucket:
        for item in collected.items.values():
            _say(f"would add  {item.name}")
        _say(f"release {collected.tag}: {len(collected.items)} files for {folder}; nothing was written")
        return 0
    changed = fill(collected, folder, signer, flags.replace)
    here = read_releases(folder)
    # The indexes also list releases that other machines published.
    others = published(bucket, {release.tag for release in here}) if bucket else []
    changed += write_indexes([*here, *others], folder, flags.base_url, own_catalog())
    for name in changed:
        _say(f"changed  {folder / name}")
    _say(f"release {collected.tag}: {len(collected.items)} files in {folder}, {len(changed) or 'nothing'} changed")
    if bucket:
        newest = max(release.tag for release in (*here, *others)) == here[0].tag
        _send(bucket, uploads(folder, latest=newest), flags)
    return 0


def _send(bucket: Bucket, wanted: list[Upload], flags: ReleaseFlags) -> None:
    """Upload files to the bucket, or print what an upload would do."""
    difference = compare(bucket, wanted, flags.replace)
    if flags.dry_run:
        for name in difference.stale:
            _say(f"would delete  {name}")
        for upload in difference.missing:
            _say(f"would send  {upload.name}  {size(upload.size)}  {upload.content_type}  {upload.cache_control}")
    else:
        for upload in send(bucket, difference):
            _say(f"sent  {upload.name}  {size(upload.size)}")
    there = len(wanted) - len(difference.missing)
    verb = "to send" if flags.dry_run else "sent"
    total = size(sum(upload.size for upload in difference.missing))
    _say(f"{bucket.address}: {len(difference.missing)} files {verb}, {total}; {there} already there")


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
