"""The structure of all YAML files in cpython-unix/, cpython-windows/ and docker/, and of ci-*.yml.

Unknown keys and wrong types are errors.
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import Literal, Optional

from msgspec import Struct

from pythonbuild.model.platforms import PLATFORMS, TargetPlatform, platform_of
from pythonbuild.model.version import PythonVersion

__all__ = [
    "CiRunner",
    "CiTarget",
    "CpuNames",
    "DistroRelease",
    "DistroReleases",
    "Emulator",
    "ExpectedFailure",
    "Image",
    "ModuleLinkage",
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
    """Something that applies to certain Pythons (a PEP 440 specifier, "" for all) and targets (glob patterns)."""

    pythons: str = ""
    targets: tuple[str, ...] = ("*",)

    def applies_to(self, target: str, python: PythonVersion) -> bool:
        """Return whether it applies to a target triple and a CPython."""
        return matches(target, self.targets) and python.within(self.pythons)


class Origin(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A place of an archive: exactly one of `url`, `debian`, `wheel`, `sdist`.

    debian: a path below the root of a Debian mirror; wheel, sdist: "name==version" on a package index; platform: a wheel's
    platform tag for pip.
    """

    sha256: str
    size: int
    url: Optional[str] = None
    debian: Optional[str] = None
    wheel: Optional[str] = None
    sdist: Optional[str] = None
    platform: str = ""
    # Only if this origin has another version than the recipe.
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
    """An archive with one or more origins, tried in order.  name: the folder where it is unpacked; default: the recipe's name."""

    origins: tuple[Origin, ...]
    name: str = ""


class Upstream(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where `update` looks for newer versions: exactly one of `github`, `listing`, `pypi`, `python_org`, `unwatched`.

    github: "owner/name", whose release files are listed; tags: list the tags with this prefix instead; listing: the address of a page
    or text; pypi: a project; python_org: the address of python.org's release API; unwatched: the reason for not looking.
    """

    github: str = ""
    tags: str = ""
    # The address of GitHub's API, or of a compatible one.
    api: str = "https://api.github.com"
    listing: str = ""
    pypi: str = ""
    python_org: str = ""
    unwatched: str = ""
    # A regular expression that matches whole names of files, tags or releases, or any part of a listing.  Its unnamed groups, joined by
    # dots, are the version.  Its group `file` is the archive's address (default: the whole match), `sha256` or `sha3_256` its sum.
    pattern: str = ""
    # The archive's address, with {version} and {series} (the first two numbers); only if the listing does not contain it.
    url: str = ""
    # The address of a file with SHA-256 sums; it can contain {url}, {version} and {series}.
    sums: str = ""
    # Consider only versions that begin with these numbers.
    series: str = ""
    # If the package index uses other version numbers: a file in the sdist, below its top folder, and a pattern for its version.
    inside: str = ""
    inside_pattern: str = ""

    def __post_init__(self) -> None:
        kinds = (self.github, self.listing, self.pypi, self.python_org, self.unwatched)
        if sum(map(bool, kinds)) != 1:
            raise ValueError("needs exactly one of github, listing, pypi, python_org, unwatched")
        if bool(self.pattern) != bool(self.github or self.listing or self.python_org):
            raise ValueError("github, listing and python_org need a pattern, and no other kind has one")
        if (self.tags and not self.url) or bool(self.inside) != bool(self.inside_pattern):
            raise ValueError("tags need a url, and inside and inside_pattern need each other")
        for pattern in (self.pattern, self.inside_pattern):
            try:
                groups = re.compile(pattern).groups
            except re.error as error:
                raise ValueError(f"{pattern!r} is not a regular expression: {error}") from None
            if pattern and not groups:
                raise ValueError(f"{pattern!r} has no group for the version")


class Patch(Scoped, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file in the recipe's patches/, applied with `patch -p1`."""

    file: str


class Recipe(Scoped, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A folder of cpython-unix/packages or cpython-windows/packages: how one dependency (or CPython) is built.

    kind: a library and the Python itself are built for the target; a tool for the building machine, on which it runs; a toolchain
    compiles and links against a sysroot.  A recipe that reads `python` and has no sources is made of CPython's.
    """

    name: str
    # The recipe of cpython-unix from which it takes version, description, licences and sources.
    like: str = ""
    # Glob patterns of files that it takes from the recipe with the same name in cpython-unix.
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
    # Tools for builds whose result does not run on the building machine.
    cross_tools: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    patches: tuple[Patch, ...] = ()

    @property
    def is_python(self) -> bool:
        """True for the recipe of the Python itself."""
        return self.kind == "python"

    @property
    def from_cpython(self) -> bool:
        """True if it is built from the sources of CPython."""
        return "python" in self.reads and not self.sources


class PythonSeries(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Differences between CPython's language versions: the Tcl/Tk series, and the Tcl of CPython's project files for Windows."""

    tcl: str
    tcl_windows: str


class PythonRelease(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A pinned CPython release with the origins of its source archive."""

    version: str
    origins: tuple[Origin, ...]


class ModuleSet(Scoped, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Extension modules, separated by spaces, that Pythons must have.  unless: an option of builds without them."""

    modules: str
    unless: str = ""


class ModuleLinkage(Scoped, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How extension modules, separated by spaces, are linked: into files, or not at all.  option: of the builds that it is for."""

    modules: str
    linked: Literal["shared", "none"]
    option: str = ""


class ExpectedFailure(Scoped, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A test of CPython's suite that fails for a reason outside the build."""

    test: str
    reason: str
    options: str = ""
    # Releases of distributions in whose package builds it fails.  The other fields apply to archives.
    releases: tuple[str, ...] = ()
    # `test --stdlib` skips it, because on some machines it hangs until the suite's time limit.
    hangs: bool = False


class Emulator(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How other machines run a target's programs: with qemu-user and the target's libc from Debian.

    cpu: qemu's name of the CPU; libraries: the folder that serves as the target's root; loader: the program interpreter in it;
    packages: the Debian packages with both.
    """

    cpu: str
    libraries: str
    loader: str
    packages: tuple[str, ...]


class WindowsNames(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The names of a target in the tools of Windows, and the building machines that can run its programs.

    prompt: Visual Studio's name of the CPU in its command prompts; assembler: its program for the CPU;
    component: the end of the ID of the component that compiles for it;
    platform: MSBuild's platform; folder: the output folder of CPython's build; dll_suffix: the suffix of OpenSSL's DLLs; launcher:
    pip's launcher.
    """

    prompt: str
    assembler: str
    component: str
    platform: str
    folder: str
    dll_suffix: str
    launcher: str
    runs_on: tuple[str, ...]


class CpuNames(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A CPU's names in formats other than target triples.

    binary: LIEF's constant for the headers of programs; platform: in sysconfig.get_platform(), "" for Windows, which has one word;
    uv: its family in uv's list of downloads, if that is not the target's `arch`; image: Go's architecture and variant, e.g. arm/v7.
    """

    binary: str
    platform: str
    uv: str = ""
    image: str = ""


class Target(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A row of targets.yml: a platform for which Pythons can be built."""

    triple: str
    arch: str
    names: CpuNames
    libc: str
    # The target's GNU triple, for configure scripts, and its name in zig, with the glibc version.
    gnu: str
    zig: str = ""
    # Answers that configure scripts cannot find in a cross build: variable -> value.
    answers: dict[str, str] = {}
    # The platform in OpenSSL's terms: arguments of its Configure.
    openssl: str
    # The highest glibc symbol version that a file may need.  For a libc without versions, newer_functions lists forbidden functions.
    glibc: str
    # The oldest supported macOS.
    macos: str = ""
    newer_functions: tuple[str, ...] = ()
    windows: Optional[WindowsNames] = None
    # Toolchains by preference, and the building machines: x86_64 and aarch64 for Linux, with -darwin for Macs, with -windows for Windows.
    toolchains: tuple[str, ...]
    build_machines: tuple[str, ...]
    # The micro-architecture level of the psABI, as archive indexes name it (v2, v3, v4), and the compiler arguments for it.  A CPU
    # needs these flags in /proc/cpuinfo to run the result.
    level: str = ""
    arguments: tuple[str, ...] = ()
    cpu: tuple[str, ...] = ()
    emulator: Optional[Emulator] = None
    # Can BOLT reorder machine code for this platform?
    bolt: bool = False
    # Dynamic libraries of the system that files may need.
    system_libraries: tuple[str, ...] = ()

    def __hash__(self) -> int:
        """Hash the unique triple, because the mappings cannot be hashed."""
        return hash(self.triple)

    @property
    def platform(self) -> TargetPlatform:
        """The platform that its triple names."""
        return platform_of(self.triple)


class Toolchain(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A compiler: where it comes from, and the programs behind the names that build scripts use."""

    name: str
    description: str
    # The names of the C and C++ compilers in build scripts and in sysconfig.
    cc: str
    cxx: str
    # Command -> program in the toolchain's tree.  Compilers get `arguments`, the paths of the build root, and `linking` as well.
    compilers: dict[str, str]
    programs: dict[str, str]
    arguments: tuple[str, ...] = ()
    linking: tuple[str, ...] = ()
    # Recipes whose results are tools of every build script.
    tools: tuple[str, ...] = ()
    # Whether it compiles for other platforms than that of its machine.
    cross: bool = False
    lto: bool = False
    bolt: bool = False
    # A downloaded toolchain: building machine (uname -m) -> wheel.  archive: the file in the wheel that contains the tree, "" for the
    # wheel itself.
    version: str = ""
    wheels: dict[str, Origin] = {}
    archive: str = ""
    # The toolchain whose tree contains the sysroot, or the recipe that makes it, unless this toolchain's tree contains it.
    sysroot_from: str = ""
    sysroot_recipe: str = ""
    # A toolchain of the host: the lowest usable major version, its programs, and how to install it.
    host_version: int = 0
    host_programs: tuple[str, ...] = ()
    host_hint: str = ""
    # The system on which it runs: linux, darwin or windows.
    runs_on: str = "linux"
    # Variables for its programs, in addition to those of every build script.
    variables: dict[str, str] = {}
    # A note for users about the Pythons that it compiles.
    note: str = ""


class Image(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An image for containers: a base and Debian packages (name -> version, "" for any).

    digest: of the base, "" for the current one; suite: the Debian suite that can bootstrap the base, "" if none can.
    """

    name: str
    description: str
    base: str
    packages: dict[str, str]
    digest: str = ""
    suite: str = ""
    # A second Debian architecture whose packages are installed.
    foreign: str = ""
    # Last part of a mirror's address -> suite with updates.
    updates: dict[str, str] = {}
    # The folder of LLVM's programs, and the package with their version.
    llvm: str = ""
    llvm_package: str = ""


class DistroRelease(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A release of a distribution for which Debian packages can be built."""

    name: str
    display: str
    names: tuple[str, ...]
    systems: tuple[str, ...]
    own_python: str
    suite: str = ""
    updates: dict[str, str] = {}
    lacks: tuple[str, ...] = ()

    def __hash__(self) -> int:
        """Hash the unique name, because the mapping cannot be hashed."""
        return hash(self.name)


class DistroReleases(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The content of releases.yml: Debian's names of targets, build dependencies on all releases, and the releases."""

    architectures: dict[str, str]
    tools: tuple[str, ...]
    libraries: tuple[str, ...]
    cross_libraries: tuple[str, ...]
    releases: tuple[DistroRelease, ...]


class ProjectChange(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A change of an MSBuild project, at the elements that the XPath `at` selects; there must be `times` of them.

    Exactly one of: remove: delete them; after: insert this XML after each; replace: words of their text, old -> new, where each old
    word must occur once.
    """

    at: str
    times: int = 1
    remove: bool = False
    after: str = ""
    replace: dict[str, str] = {}

    def __post_init__(self) -> None:
        if (self.remove, bool(self.after), bool(self.replace)).count(True) != 1:
            raise ValueError(f"{self.at}: needs exactly one of remove, after, replace")


class ProjectEdit(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Changes of one file of CPython's Windows build, with their common reason, for certain Pythons."""

    name: str
    why: str
    file: str
    changes: tuple[ProjectChange, ...]
    pythons: str = ""


class CiRunner(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A row of ci-runners.yml: a machine of CI.

    label: its name in runs-on; arch: its CPU, in Linux's words; expensive: pull requests use it only with the label ci:all-targets;
    forks: pull requests from forks can use it.
    """

    label: str
    platform: Literal["linux", "macos", "windows"]
    arch: str
    expensive: bool
    forks: bool

    @property
    def machine(self) -> str:
        """The building machine's name in targets.yml and toolchains.yml."""
        return PLATFORMS[self.platform].machine(self.arch)


class CiTarget(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A row of ci-targets.yml: a runner builds every combination of targets, Pythons and sets of options.

    pythons, options: as for --python and --options; pull_request: pull requests build them as well.
    """

    targets: tuple[str, ...]
    runner: str
    pythons: tuple[str, ...]
    options: tuple[str, ...]
    pull_request: bool = False
