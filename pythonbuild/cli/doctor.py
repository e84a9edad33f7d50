"""The verb `doctor`: prints for each kind of build whether this machine is ready, or what it lacks and how to install it."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from pythonbuild.catalog.load import Catalog, own_catalog
from pythonbuild.driver.engine_choice import on_host
from pythonbuild.driver.formats.debian import read_packages
from pythonbuild.engines.daemon import Daemon
from pythonbuild.errors import BadRequest, EngineUnavailable, MissingPrerequisite
from pythonbuild.flags.build import RequestFlags
from pythonbuild.flags.machine import DoctorFlags
from pythonbuild.home import home
from pythonbuild.host.doctor import findings
from pythonbuild.host.llvm import find_llvm, install_command
from pythonbuild.host.msvc import VisualStudioRequest, find_msvc
from pythonbuild.host.xcode import find_xcode
from pythonbuild.model.options import BuildOptions
from pythonbuild.model.target import building_machine, system_of
from pythonbuild.request.build import TRAINING_TOOLCHAIN, llvm_programs

__all__ = ["doctor"]


@dataclass(frozen=True)
class Kind:
    """A kind of build.

    lacks: pairs of a problem of this machine and its cure; has: the text to print without problems.
    """

    name: str
    lacks: tuple[tuple[str, str], ...] = ()
    has: str = "ready"

    def after(self, other: Kind) -> Kind:
        """Return this kind with one more problem, if another kind that it requires is not ready."""
        more = ((f"it needs the programs that {other.name} need", "see the first lines"),) if other.lacks else ()
        return replace(self, lacks=(*more, *self.lacks))

    def text(self) -> str:
        """Return the lines to print."""
        if not self.lacks:
            return f"{self.name}: {self.has}\n"
        lines = [f"- {problem}\n    {cure}" for problem, cure in self.lacks]
        return "\n".join([f"{self.name}: not ready", *lines]) + "\n"


def doctor(flags: DoctorFlags) -> int:
    """Print which kinds of build this machine is ready for; return 3 if it cannot build for itself, else 0."""
    catalog = own_catalog()
    own = tuple((finding.problem, finding.cure) for finding in findings(home(), Path(flags.output)))
    system = system_of(building_machine())
    kinds = [Kind("builds on this machine", own)] if own or system == "linux" else [_with_own_compiler(catalog, system)]
    if system == "linux":
        on_this_machine = [*_with_llvm(catalog), Kind("other CPUs and musl"), _packages(catalog)]
        kinds += [kind.after(kinds[0]) for kind in on_this_machine] + [_emulated(catalog), *_in_containers()]
    sys.stdout.write("".join(kind.text() for kind in kinds))
    problems = len(kinds[0].lacks)
    sys.stdout.write(f"{problems} problems\n" if problems else "this machine is ready to build\n")
    return 3 if problems else 0


def _with_own_compiler(catalog: Catalog, system: str) -> Kind:
    """Look for Apple's or Microsoft's compiler."""
    name, machine = "builds on this machine", building_machine()
    try:
        if system == "darwin":
            return Kind(name, has=str(find_xcode(catalog.toolchain("xcode"), os.environ)))
        return Kind(
            name,
            has=str(
                find_msvc(catalog.native_target(machine), machine, VisualStudioRequest(), os.environ, catalog.prompts())
            ),
        )
    except MissingPrerequisite as error:
        return Kind(name, ((error.message, error.hint),))


def _with_llvm(catalog: Catalog) -> Iterable[Kind]:
    """Look for the programs of this machine's LLVM that each kind of build calls."""
    llvm = find_llvm(catalog.toolchains.values())
    native = catalog.native_target(building_machine())
    mac = next(target for target in catalog.targets.values() if target.macos)
    for name, toolchain, target, options in (
        ("lto with this machine's LLVM", TRAINING_TOOLCHAIN, native, "lto"),
        ("pgo+lto with this machine's LLVM, and pgo for other platforms", TRAINING_TOOLCHAIN, native, "pgo+lto"),
        ("macOS", catalog.toolchains_for(mac, building_machine())[0], mac, "noopt"),
    ):
        row = catalog.toolchain(toolchain)
        programs = llvm_programs(row, target, BuildOptions.parse(options))
        missing = [program for program in programs if llvm is None or program in llvm.lacks]
        if llvm:
            problem = f"the LLVM in {llvm.programs} lacks {', '.join(missing)}"
        else:
            problem = f"no LLVM {row.host_version} or newer was found; builds call its {', '.join(missing)}"
        cure = install_command(llvm, missing) if llvm else row.host_hint
        yield Kind(name, ((problem, f"{cure}, or build in containers"),) if missing else ())


def _packages(catalog: Catalog) -> Kind:
    """Check whether this machine can build packages for its own release."""
    name = "Debian packages on this machine"
    try:
        packages = read_packages(RequestFlags(), None)
        packages.check_machine(on_host(catalog, packages.image(catalog)), catalog)
    except (BadRequest, MissingPrerequisite) as error:
        return Kind(name, ((error.message, error.hint),))
    return Kind(name)


def _emulated(catalog: Catalog) -> Kind:
    """Look for the emulators that run Pythons for other CPUs, which `test` and `validate` of such archives need."""
    packages: dict[str, None] = {}
    for target in catalog.targets.values():
        wanted = target.emulator
        if wanted is None or wanted.cpu == building_machine().partition("-")[0]:
            continue
        program = any(shutil.which(f"qemu-{wanted.cpu}{end}") for end in ("-static", ""))
        if not program or not (Path("/") / wanted.libraries / wanted.loader).exists():
            packages.update(dict.fromkeys(wanted.packages))
    problem = "this machine lacks the emulator or the C library of some CPUs"
    return Kind(
        "running Pythons for other CPUs", ((problem, f"apt-get install {' '.join(packages)}"),) if packages else ()
    )


def _in_containers() -> Iterable[Kind]:
    try:
        daemon = Daemon.connect()
    except EngineUnavailable as error:
        yield Kind("containers, and Debian packages in them", ((error.message, error.hint.replace("\n", "\n    ")),))
        return
    has = f"{daemon.product} {daemon.version} answers at {daemon.address}"
    yield Kind("containers, and Debian packages in them", has=has)
