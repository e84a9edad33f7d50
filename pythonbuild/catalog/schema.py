"""The shape of every YAML file under cpython-unix/, cpython-windows/ and docker/, and of ci-*.yml.

An unknown key or a wrong type is an error when it is read.
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import Literal, Optional

from msgspec import Struct

from pythonbuild.model.version import PythonVersion

__all__ = [
    "CiRunner",
    "CiTarget",
    "DistroRelease",
    "DistroReleases",
    "Emulator",
    "ExpectedFailure",
    "Image",
    "ModuleSet",
    "Origin",
    "Patch",
    "ProjectChange",
    "ProjectEdit",
    "PythonRelease",
    "PythonSeries",
    "Recipe",
    "Source",
    "Target",
    "Toolchain",
    "Upstream",
    "WindowsNames",
    "matches",
]


def matches(name: str, patterns: tuple[str, ...]) -> bool:
    """Return whether a glob pattern fits the name."""
    return any(fnmatchcase(name, pattern) for pattern in patterns)


class Scoped(Struct, frozen=True, kw_only=True):
    """What is for some CPythons (a PEP 440 specifier, "" for all) and some targets (glob patterns) only."""

    pythons: str = ""
    targets: tuple[str, ...] = ("*",)

    def applies_to(self, target: str, python: PythonVersion) -> bool:
        """Return whether it is for this target triple and this CPython."""
        return matches(target, self.targets) and python.within(self.pythons)


class Origin(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One place an archive can come from: exactly one of `url`, `debian`, `wheel`, `sdist`.

    debian: a path below a Debian mirror's root; wheel, sdist: "name==version" on a package index, a wheel for pip's platform
    tag `platform`.
    """

    sha256: str
    size: int
    url: Optional[str] = None
    debian: Optional[str] = None
    wheel: Optional[str] = None
    sdist: Optional[str] = None
    platform: str = ""
    # Only where this origin carries another version than the recipe says.
    version: Optional[str] = None

    @property
    def place(self) -> str:
        """The URL or path, for messages."""
        if self.debian:
            return f"Debian mirror: {self.debian}"
        return self.url or (f"wheel {self.wheel} ({self.platform})" if self.wheel else f"sdist {self.sdist}")

    @property
    def file_name(self) -> str:
        """The archive's own name."""
        if self.wheel:
            return f"{self.wheel.replace('==', '-')}-{self.platform}.whl"
        if self.sdist:
            return f"{self.sdist.replace('==', '-')}.tar.gz"
        return (self.url or self.debian or "").rsplit("/", 1)[-1]


class Source(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An archive with one or more origins, tried in their order.  `name` is where it is unpacked; default: the recipe's."""

    origins: tuple[Origin, ...]
    name: str = ""


class Upstream(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where newer versions are looked for by `update`: exactly one of `github`, `listing`, `pypi`, `python_org`, `unwatched`.

    github: "owner/name", of which the files of releases are looked at, or, if `tags` is not "", tags that begin so; listing: a page or
    text; pypi: a project; python_org: the address of python.org's release API; unwatched: why nothing is looked for.
    """

    github: str = ""
    tags: str = ""
    # GitHub's own API, or one that answers as it does.
    api: str = "https://api.github.com"
    listing: str = ""
    pypi: str = ""
    python_org: str = ""
    unwatched: str = ""
    # A regular expression: it fits whole names of files, tags or releases, and any part of a listing.  Its groups without a name, joined
    # by dots, are the version; `file` is the archive's address (default: all that fits), `sha256` or `sha3_256` its published sum.
    pattern: str = ""
    # The archive's address, with {version} and {series}, its first two numbers; only where what is listed does not say it.
    url: str = ""
    # The address of a file with SHA-256 sums: {url}, {version} and {series} may be in it.
    sums: str = ""
    # Versions that begin with these numbers only.
    series: str = ""
    # Where the version is not that of the project on a package index: a file in the sdist, below its top folder, and a pattern for it.
    inside: str = ""
    inside_pattern: str = ""

    def __post_init__(self) -> None:
        kinds = (self.github, self.listing, self.pypi, self.python_org, self.unwatched)
        if sum(map(bool, kinds)) != 1:
            raise ValueError("one of github, listing, pypi, python_org, unwatched")
        if bool(self.pattern) != bool(self.github or self.listing or self.python_org):
            raise ValueError("pattern belongs to github, listing and python_org")
        if (self.tags and not self.url) or bool(self.inside) != bool(self.inside_pattern):
            raise ValueError("tags without url, or one of inside and inside_pattern without the other")
        for pattern in (self.pattern, self.inside_pattern):
            try:
                groups = re.compile(pattern).groups
            except re.error as error:
                raise ValueError(f"{pattern!r} is not a regular expression: {error}") from None
            if pattern and not groups:
                raise ValueError(f"{pattern!r} has no group that is the version")


class Patch(Scoped, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file in the recipe's patches/, applied with `patch -p1`; the filters say for which CPythons and targets."""

    file: str


class Recipe(Scoped, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A folder of cpython-unix/packages or cpython-windows/packages: how one dependency (or CPython) is built.

    kind: a library and the Python itself are built for the target; a tool for the building machine, on which it runs; a toolchain
    compiles and links against a sysroot.  A recipe that reads `python` and has no sources is made of CPython's.
    """

    name: str
    # The recipe of cpython-unix that it has version, description, licences and sources of.
    like: str = ""
    # Files, by glob patterns, that it has of the recipe of its own name in cpython-unix.
    shares: tuple[str, ...] = ()
    version: str = ""
    description: str = ""
    kind: Literal["library", "python", "sysroot", "tool"] = "library"
    licenses: tuple[str, ...] = ()
    license_files: tuple[str, ...] = ()
    sources: tuple[Source, ...] = ()
    upstream: Optional[Upstream] = None
    needs: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()
    # Tools that are needed where what is built does not run on the building machine.
    cross_tools: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    patches: tuple[Patch, ...] = ()

    @property
    def is_python(self) -> bool:
        """True for the recipe of the Python itself."""
        return self.kind == "python"

    @property
    def from_cpython(self) -> bool:
        """True if it is made of the sources of the CPython that is built."""
        return "python" in self.reads and not self.sources


class PythonSeries(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What differs between CPython's language versions: the Tcl/Tk series, and the Tcl that CPython's projects for Windows take."""

    tcl: str
    tcl_windows: str


class PythonRelease(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A pinned CPython release and where its source archive is."""

    version: str
    origins: tuple[Origin, ...]


class ModuleSet(Scoped, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Extension modules (words) that Pythons of some versions and targets have, unless they are built with an option."""

    modules: str
    unless: str = ""


class ExpectedFailure(Scoped, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A test of CPython's own suite that fails in our builds, and why that is no fault of theirs."""

    test: str
    reason: str
    options: str = ""
    # Releases of distributions in whose package builds it fails, too; the fields above are about archives.
    releases: tuple[str, ...] = ()
    # On some machines it waits until the suite's time is over, so `test --stdlib` does not run it.
    hangs: bool = False


class Emulator(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a target's programs are run on other machines: by qemu-user, with the target's libc from Debian.

    cpu: qemu's name of it; libraries: the folder that stands for the target's root; loader: its program interpreter, below that;
    packages: Debian's that have both.
    """

    cpu: str
    libraries: str
    loader: str
    packages: tuple[str, ...]


class WindowsNames(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What Windows' own tools call a target, and the building machines that can run what is built for it.

    platform: MSBuild's name; folder: that of CPython's build; dll_suffix: behind the names of OpenSSL's DLLs; launcher: pip's.
    """

    platform: str
    folder: str
    dll_suffix: str
    launcher: str
    runs_on: tuple[str, ...]


class Target(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A row of targets.yml: a platform that a Python can be built for."""

    triple: str
    arch: str
    libc: str
    # The GNU triple that configure scripts know the target by, and zig's name of it with the glibc version.
    gnu: str
    zig: str = ""
    # What configure scripts cannot find out where they cannot run what they compile: their variable -> the answer.
    answers: dict[str, str] = {}
    # The platform's name for OpenSSL's Configure.
    openssl: str
    # The highest glibc symbol version that a file may need; with a libc that has no versions, the functions that it may not.
    glibc: str
    # The oldest macOS that it has to run on.
    macos: str = ""
    newer_functions: tuple[str, ...] = ()
    windows: Optional[WindowsNames] = None
    # Toolchains by preference, and the machines that can build this target: Linux on x86_64, aarch64; Macs: x86_64-darwin, aarch64-darwin;
    # Windows: x86_64-windows, aarch64-windows.
    toolchains: tuple[str, ...]
    build_machines: tuple[str, ...]
    # Micro-architecture level of the psABI, as archive indexes name it: v2, v3, v4; what compilers get for it; and the flags, as
    # /proc/cpuinfo has them, of a CPU that can run the result.
    level: str = ""
    arguments: tuple[str, ...] = ()
    cpu: tuple[str, ...] = ()
    emulator: Optional[Emulator] = None
    # Can BOLT reorder machine code for this platform?
    bolt: bool = False
    # Dynamic libraries that a file of the distribution may need.
    system_libraries: tuple[str, ...] = ()

    def __hash__(self) -> int:
        """Of the triple, which no two rows have in common: a mapping has no hash."""
        return hash(self.triple)


class Toolchain(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A compiler: where it comes from and which program stands behind each name that a build script uses."""

    name: str
    description: str
    # The name build scripts call the C and C++ compiler by; it is also what sysconfig will say.
    cc: str
    cxx: str
    # Command name -> program in the toolchain's tree; compilers get `arguments`, the build root's paths, and `linking` added.
    compilers: dict[str, str]
    programs: dict[str, str]
    arguments: tuple[str, ...] = ()
    linking: tuple[str, ...] = ()
    # Recipes whose results every build script gets as tools.
    tools: tuple[str, ...] = ()
    # Can it compile for other CPUs than that of the machine it runs on?
    cross: bool = False
    lto: bool = False
    bolt: bool = False
    # A toolchain that is fetched: build machine (uname -m) -> the wheel, and the archive inside it that holds the tree, if it
    # is not the wheel itself.
    version: str = ""
    wheels: dict[str, Origin] = {}
    archive: str = ""
    # The toolchain in whose tree the sysroot lies, or the recipe that makes it, if it is not in this toolchain's tree.
    sysroot_from: str = ""
    sysroot_recipe: str = ""
    # A toolchain that is looked for on the host: lowest usable major version, and what to install when there is none.
    host_version: int = 0
    host_programs: tuple[str, ...] = ()
    host_hint: str = ""
    # The system that it runs on: linux; darwin or windows, where it is found.
    runs_on: str = "linux"
    # Variables that its programs read, over those that every build script gets.
    variables: dict[str, str] = {}
    # What people have to know of the Pythons that it makes.
    note: str = ""


class Image(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An image for containers: a base by name and digest, or its suite of Debian, and packages (name -> version, "": any).

    Without a digest the base is whatever its name stands for; without a suite it cannot be bootstrapped.
    """

    name: str
    description: str
    base: str
    packages: dict[str, str]
    digest: str = ""
    suite: str = ""
    # Another architecture of Debian that packages are installed of, besides the image's own.
    foreign: str = ""
    # Last part of a mirror's address -> suite with updates that lies there.
    updates: dict[str, str] = {}
    # Where LLVM's programs are in it, and the package whose version stands for all of them.
    llvm: str = ""
    llvm_package: str = ""


class DistroRelease(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A release of a distribution that Debian packages are made for."""

    name: str
    display: str
    names: tuple[str, ...]
    systems: tuple[str, ...]
    own_python: str
    suite: str = ""
    updates: dict[str, str] = {}
    lacks: tuple[str, ...] = ()

    def __hash__(self) -> int:
        """Of the name, which no two releases have in common: a mapping has no hash."""
        return hash(self.name)


class DistroReleases(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What releases.yml holds: Debian's names of targets, what a build needs on all releases, and each by itself."""

    architectures: dict[str, str]
    tools: tuple[str, ...]
    libraries: tuple[str, ...]
    cross_libraries: tuple[str, ...]
    releases: tuple[DistroRelease, ...]


class ProjectChange(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One change of an MSBuild project: what is done to all that the XPath `at` selects, which has to be there `times` times.

    Exactly one of: `remove` it; put the XML `after` after it; `replace` words of its text, old -> new, each of which is there once.
    """

    at: str
    times: int = 1
    remove: bool = False
    after: str = ""
    replace: dict[str, str] = {}

    def __post_init__(self) -> None:
        if (self.remove, bool(self.after), bool(self.replace)).count(True) != 1:
            raise ValueError(f"{self.at}: one of remove, after, replace")


class ProjectEdit(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Changes of one file of CPython's Windows build, for the same reason; `pythons` says for which versions."""

    name: str
    why: str
    file: str
    changes: tuple[ProjectChange, ...]
    pythons: str = ""


class CiRunner(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A row of ci-runners.yml: a machine of CI.

    label: its name in runs-on; arch: its CPU, as Linux has it; expensive: no pull request uses it unless all targets are asked for;
    forks: a pull request from a fork may use it.
    """

    label: str
    platform: Literal["linux", "macos", "windows"]
    arch: str
    expensive: bool
    forks: bool

    @property
    def machine(self) -> str:
        """The building machine's name in targets.yml and toolchains.yml."""
        return self.arch + {"linux": "", "macos": "-darwin", "windows": "-windows"}[self.platform]


class CiTarget(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A row of ci-targets.yml: each of some targets, for each Python and set of options, is built by a runner.

    pythons: as --python takes them; options: as --options; pull_request: also for every pull request.
    """

    targets: tuple[str, ...]
    runner: str
    pythons: tuple[str, ...]
    options: tuple[str, ...]
    pull_request: bool = False
