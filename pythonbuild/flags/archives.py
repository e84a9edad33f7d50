"""The flags of verbs that take archives and packages: check, convert, compare, run and release them.  Standard library only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pythonbuild.flags import read
from pythonbuild.flags.common import ARCHIVES, VerbFlags, processors
from pythonbuild.flags.declared import argument, arguments, switch, value, values

__all__ = [
    "ArchivesFlags",
    "ConvertFlags",
    "DiffFlags",
    "IndexFlags",
    "InspectFlags",
    "ReleaseFlags",
    "TestFlags",
    "ValidateFlags",
]

# What flags for a release of archives have in common.
_OF_ARCHIVES: dict[str, Any] = {"group": ARCHIVES, "only": "archives"}


@dataclass(frozen=True)
class ReleaseFlags(VerbFlags):
    """The flags of `release`."""

    what: tuple[str, ...] = arguments("PATH", text="the folder with the archives; with --apt the .deb files to add")
    sign: str = value(
        "--sign",
        metavar="KEY",
        text="sign SHA256SUMS with minisign:FILE or gpg:KEY; with --apt, sign the index with this GnuPG key",
    )
    apt: str = value("--apt", metavar="DIR", text="the folder of the repository; packages in it are kept")
    tag: str = value(
        "--tag",
        **_OF_ARCHIVES,
        metavar="YYYYMMDD",
        text="the name of the release",
        usual="the day in the archives' names",
    )
    output: str = value(
        "--output",
        **_OF_ARCHIVES,
        metavar="DIR",
        text="the folder for releases; older ones in it are kept and listed",
        usual="DIR/release",
    )
    base_url: str = value(
        "--base-url",
        **_OF_ARCHIVES,
        metavar="URL",
        text="the public address of that folder",
        usual="file:// and its path",
    )
    to: str = value(
        "--to",
        **_OF_ARCHIVES,
        metavar="s3://BUCKET/PREFIX",
        text="upload the release to a bucket, with AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, "
        "AWS_REGION, AWS_ENDPOINT_URL",
    )
    dry_run: bool = switch(
        "--dry-run",
        **_OF_ARCHIVES,
        text="with --to: make the folder, and print what would be uploaded; without --to: print the files of the release",
    )
    replace: bool = switch(
        "--replace",
        **_OF_ARCHIVES,
        text="replace files of this release that exist with other content",
    )


@dataclass(frozen=True)
class ArchivesFlags(VerbFlags):
    """The archives that a verb reads."""

    archives: tuple[str, ...] = arguments("ARCHIVE", text="full, install_only or install_only_stripped")


@dataclass(frozen=True)
class ValidateFlags(VerbFlags):
    """The flags of `validate`."""

    archives: tuple[str, ...] = arguments(
        "ARCHIVE", count="*", text="full, install_only or install_only_stripped, or a Debian package"
    )
    json: bool = switch("--json", text="print findings as JSON")
    list_rules: bool = switch("--list-rules", excludes=("ARCHIVE", "--json"), text="print the rules, and check nothing")


@dataclass(frozen=True)
class ConvertFlags(VerbFlags):
    """The flags of `convert`."""

    archives: tuple[str, ...] = arguments("ARCHIVE", text="full archives (.tar.zst)")
    formats: tuple[str, ...] = values(
        "--formats",
        metavar="A,B",
        text="install_only, install_only_stripped, debug_symbols, also with a suffix as in install_only.tar.zst; may be "
        "repeated",
        usual="the first two",
    )
    output: str = value("--output", metavar="DIR", text="the folder for the new archives", usual="that of each archive")
    jobs: int = value(
        "--jobs", read=read.jobs, default=processors(), metavar="N", text="threads", usual="one for each processor"
    )
    verbose: bool = switch("-v", "--verbose", text="print tracebacks of errors in pythonbuild")


@dataclass(frozen=True)
class InspectFlags(ArchivesFlags):
    """The flags of `inspect`."""

    json: bool = switch("--json", text="print JSON, with the libraries of each file")


@dataclass(frozen=True)
class DiffFlags(VerbFlags):
    """The flags of `diff`."""

    old: str = argument("OLD", text="the older archive")
    new: str = argument("NEW", text="the newer archive")


@dataclass(frozen=True)
class TestFlags(ArchivesFlags):
    """The flags of `test`."""

    stdlib: bool = switch("--stdlib", text="also run CPython's own test suite; for full archives")
    junit: str = value(
        "--junit", only="stdlib", metavar="FILE", text="write the suite's report to this file, as JUnit XML"
    )
    regrtest: tuple[str, ...] = arguments(
        "WORD",
        names=("--regrtest",),
        only="stdlib",
        count="*",
        text="run only these tests of the suite, e.g. `--regrtest test_ssl test_zlib`",
    )


@dataclass(frozen=True)
class IndexFlags(ArchivesFlags):
    """The flags of `index`."""

    base_url: str = value(
        "--base-url",
        metavar="URL",
        text="the address that archives will have",
        usual="file:// and their folder",
    )
