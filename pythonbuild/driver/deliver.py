"""From the store to the output folder: the archives under their names, and where they come from."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Union

from pythonbuild import __version__
from pythonbuild.errors import BadRequest, MissingPrerequisite
from pythonbuild.home import checkout
from pythonbuild.model.naming import archive_name, provenance_name
from pythonbuild.packaging.provenance import Input, provenance
from pythonbuild.plan.step import Output, Plan
from pythonbuild.release.keys import check_key
from pythonbuild.request.build import Build
from pythonbuild.request.debian import DebianBuild
from pythonbuild.sources.cache import sha256_of
from pythonbuild.store.record import Record
from pythonbuild.store.store import Store

__all__ = ["Delivered", "check_signing", "deliver"]


@dataclass(frozen=True)
class Delivered:
    """A file of the output folder."""

    path: Path
    bytes: int


def deliver(
    store: Store, plan: Plan, records: Mapping[str, Record], folder: Path, tag: str = "", key: str = ""
) -> list[Delivered]:
    """Copy what was asked for from the store to the output folder; returns it, with a statement of provenance for each build of archives.

    tag: for the archives' names, "" for the time of the checkout's last commit; key: sign packages with it.  An archive that
    is there already is left alone.
    """
    by_build: dict[Union[Build, DebianBuild], list[Output]] = {}
    for output in plan.outputs:
        if output.step in records:
            by_build.setdefault(output.build, []).append(output)
    delivered = []
    for build, outputs in by_build.items():
        if isinstance(build, DebianBuild):
            for output in outputs:
                delivered += _packages(store.tree(records[output.step]), folder, key)
            continue
        files, changed = _copy(store, build, outputs, records, folder, tag or _tag(build.release))
        statement = folder / provenance_name(
            build.python, build.target.triple, build.options, tag or _tag(build.release), build.release
        )
        if changed or not statement.exists():
            text = _statement(build, plan.closure([output.step for output in outputs]), records, files)
            with _whole(statement) as partial:
                partial.write_text(text)
        delivered += [*files, Delivered(statement, statement.stat().st_size)]
    return delivered


def check_signing(key: str) -> None:
    """Raise MissingPrerequisite if packages are to be signed, and this machine cannot, BadRequest if the key is not there."""
    if not key:
        return
    if not shutil.which("debsign"):
        raise MissingPrerequisite(
            "--sign wants debsign, which knows what of a package is signed and in which order",
            "apt-get install devscripts gpg",
        )
    check_key(key)


def _packages(tree: Path, folder: Path, key: str) -> list[Delivered]:
    """Copy all files of a build of packages, signed if a key is given: none is there before all are."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".packages-") as partial:
        for source in sorted(tree.iterdir()):
            shutil.copy2(source, partial)
        if key:
            (changes,) = Path(partial).glob("*.changes")
            done = subprocess.run(
                ["debsign", "--no-conf", "--re-sign", f"-k{key}", changes], capture_output=True, text=True
            )
            if done.returncode:
                said = (done.stderr or done.stdout).strip().splitlines()
                raise BadRequest(
                    f"debsign could not sign with {key}: {said[-1] if said else 'no reason given'}",
                    "the packages are in the store, unsigned: ask for them once more when gpg can",
                )
        names = sorted(path.name for path in Path(partial).iterdir())
        for name in names:
            os.replace(Path(partial) / name, folder / name)
    return [Delivered(folder / name, (folder / name).stat().st_size) for name in names]


def _copy(
    store: Store, build: Build, outputs: list[Output], records: Mapping[str, Record], folder: Path, tag: str
) -> tuple[list[Delivered], bool]:
    """Copy the files of one build; returns them, and whether any was not there."""
    delivered = []
    changed = False
    for output in outputs:
        assert output.kind is not None, "builds of archives have archives"
        source = store.tree(records[output.step]) / str(output.kind)
        name = archive_name(build.python, build.target.triple, build.options, tag, output.kind, build.release)
        folder.mkdir(parents=True, exist_ok=True)
        target = folder / name
        status = source.stat()
        if not target.exists() or (target.stat().st_size, target.stat().st_mtime_ns) != (
            status.st_size,
            status.st_mtime_ns,
        ):
            changed = True
            with _whole(target) as partial:
                shutil.copyfile(source, partial)
                os.utime(partial, ns=(status.st_atime_ns, status.st_mtime_ns))
        delivered.append(Delivered(target, status.st_size))
    return delivered, changed


@contextmanager
def _whole(target: Path) -> Iterator[Path]:
    """Give another name to write to, and move that to `target` when it is whole."""
    partial = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        yield partial
        os.replace(partial, target)
    finally:
        partial.unlink(missing_ok=True)


def _statement(build: Build, plan: Plan, records: Mapping[str, Record], files: list[Delivered]) -> str:
    """Return the statement of provenance of one build's files."""
    made = [records[step.name] for step in plan if step.name in records]
    inputs = [Input(source.name, source.origin.place, source.origin.sha256) for step in plan for source in step.sources]
    if build.pgo_profile:
        inputs.append(Input("pgo profile", f"file:{build.pgo_profile.path.name}", build.pgo_profile.digest))
    request = {
        "python": str(build.python),
        "target": build.target.triple,
        "options": str(build.options),
        "toolchain": build.toolchain,
        "formats": list(map(str, build.formats)),
        "release": build.release,
    }
    builder = {"id": "urn:pythonbuild", "pythonbuild": __version__, "commit": _commit(), "machine": platform.platform()}
    # Not out of records: there is none of a step that was not needed, as the store had what is made of it.
    for version in {step.inputs["host compiler"] for step in plan if "host compiler" in step.inputs}:
        builder["llvm"] = version
    times = (min(record.finished - record.seconds for record in made), max(record.finished for record in made))
    return provenance({file.path.name: sha256_of(file.path) for file in files}, request, inputs, builder, times)


def _commit() -> str:
    """Return the checkout's commit, with "-changed" if files differ from it; "" outside of git."""
    if not (checkout() / ".git").exists():
        return ""  # an installed package, perhaps inside a checkout of something else
    try:
        done = subprocess.run(
            ["git", "-C", str(checkout()), "describe", "--always", "--abbrev=40", "--exclude=*", "--dirty=-changed"],
            capture_output=True,
            text=True,
        )
    except FileNotFoundError:
        return ""
    return done.stdout.strip()


def _tag(release: bool) -> str:
    """Return the time of the checkout's last commit (20261121T0930; a release: 20261121); "local" outside of git."""
    if not (checkout() / ".git").exists():
        return "local"
    date = "%Y%m%d" if release else "%Y%m%dT%H%M"
    command = ["git", "-C", str(checkout()), "log", "-1", "--format=%cd", f"--date=format-local:{date}"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "TZ": "UTC"})
    except FileNotFoundError:
        return "local"
    return done.stdout.strip() or "local"
