"""What a build script gets: the words its template is filled with, its commands, its variables; and what of it is in its step's key."""

from __future__ import annotations

from collections.abc import Iterable

from pythonbuild.catalog.load import file_digest
from pythonbuild.catalog.schema import Toolchain
from pythonbuild.plan.step import ScriptAction
from pythonbuild.request.build import Build

__all__ = [
    "commands",
    "compiler_arguments",
    "compiler_names",
    "script_inputs",
    "target_context",
    "unix_variables",
    "windows_variables",
]

# A fixed time for everything that would write the present one: 2024-01-01 00:00 UTC.
_EPOCH = "1704067200"


def target_context(build: Build, native: Build, cross: bool, runs_here: bool) -> dict[str, object]:
    """Return what templates know as `target`.

    native: the build of what runs on the building machine; cross: is it built like what does not; runs_here: does it run there.
    """
    target = build.target
    # Configure scripts take it for a cross build if they are told two different names of one platform: of Darwin, a version may be said.
    build_name = native.target.gnu + ("20" if cross and native.target.macos else "")
    return {
        "triple": target.triple,
        "host": target.gnu,
        "build": build_name,
        "zig": target.zig,
        "answers": target.answers,
        "arch": target.arch,
        "libc": target.libc,
        "macos": target.macos,
        "openssl": target.openssl,
        **({"windows": target.windows, "runs_here": runs_here} if target.windows else {}),
    }


def commands(toolchain: Toolchain, build: Build) -> dict[str, str]:
    """Return {command: command line}; compilers get target, sysroot and the build root's own include and library folders."""
    gnu = build.target.gnu
    arguments = compiler_arguments(toolchain, build)
    # Where a root or the store lies must not be in a result.  GCC hands only the debug option on to the assembler.
    paths = [
        "-ffile-prefix-map=@ROOT@=/build",
        "-fdebug-prefix-map=@ROOT@=/build",
        "-ffile-prefix-map=@SYSROOT@=/toolchain",
    ]
    paths += ["-isystem", "@ROOT@/deps/include"]
    found = {name: program.format(gnu=gnu) for name, program in toolchain.programs.items()}
    for name, program in toolchain.compilers.items():
        more = [] if name == "cpp" else ["-L@ROOT@/deps/lib", *toolchain.linking]
        found[name] = " ".join([program.format(gnu=gnu), *arguments, *paths, *more])
    return found


def compiler_names(toolchain: Toolchain, others: Iterable[str]) -> tuple[str, ...]:
    """Return the commands that compile on Unix: the toolchain's but its preprocessor, and others."""
    if toolchain.runs_on == "windows":
        return ()
    return (*(name for name in toolchain.compilers if name != "cpp"), *others)


def compiler_arguments(toolchain: Toolchain, build: Build) -> list[str]:
    """Return what a compiler is told of the target."""
    target = build.target
    minor = target.glibc.partition(".")[2]
    words = {
        "gnu": target.gnu,
        "arch": target.arch,
        "apple_arch": {"aarch64": "arm64"}.get(target.arch, target.arch),
        "glibc_minor": minor,
        "macos": target.macos,
    }
    return [
        argument.format(**words)
        for argument in (*toolchain.arguments, *target.arguments)
        if minor or "{glibc_minor}" not in argument
    ]


def unix_variables(name: str, toolchain: Toolchain) -> dict[str, str]:
    """Return the variables of the script of a recipe of that name; the toolchain has some of its own."""
    # CPython chooses its own optimization flags; a library left to itself often compiles with none.
    flags = "" if name == "cpython" else "-O3 -fPIC"
    return {
        "AR": "ar",
        "ARCHIVER_FLAGS": "rcsD",
        "CC": toolchain.cc,
        "CFLAGS": flags,
        "CONFIG_SITE": "/dev/null",
        "CXX": toolchain.cxx,
        "CXXFLAGS": flags,
        "DEPS": "@ROOT@/deps",
        "FILES": "@ROOT@/files",
        "HOME": "@ROOT@/home",
        "LC_ALL": "C",
        "NM": "nm",
        "OBJCOPY": "objcopy",
        "OUT": "@ROOT@/out",
        "PATH": "@ROOT@/bin:@ROOT@/tools/bin",
        "PKG_CONFIG": "pkgconf --static",
        "PKG_CONFIG_LIBDIR": "@ROOT@/deps/lib/pkgconfig:@ROOT@/deps/share/pkgconfig",
        "RANLIB": "ranlib",
        "READELF": "readelf",
        "ROOT": "@ROOT@",
        "SOURCES": "@ROOT@/src",
        "SOURCE_DATE_EPOCH": _EPOCH,
        "SRC": f"@ROOT@/src/{name}",
        "STRIP": "strip",
        "TMPDIR": "@ROOT@/tmp",
        "TOOLS": "@ROOT@/tools",
        "TZ": "UTC",
    }


def windows_variables(name: str) -> dict[str, str]:
    """Return the variables of a script for Windows, besides those by which Visual C++'s programs find what they need."""
    return {
        "DEPS": "@ROOT@/deps",
        "FILES": "@ROOT@/files",
        "LC_ALL": "C",
        # Git's and MSYS2's shells would take arguments with a slash in front for paths, and change them.
        "MSYS2_ARG_CONV_EXCL": "*",
        "OUT": "@ROOT@/out",
        "PYTHONUTF8": "1",
        "ROOT": "@ROOT@",
        "SOURCES": "@ROOT@/src",
        "SOURCE_DATE_EPOCH": _EPOCH,
        "SRC": f"@ROOT@/src/{name}",
        "TMPDIR": "@ROOT@/tmp",
        "TOOLS": "@ROOT@/tools",
        "TZ": "UTC",
    }


def script_inputs(action: ScriptAction) -> dict[str, str]:
    """Return what of a script goes into its step's key, by names for people."""
    inputs = {"script": file_digest(action.script.encode()), "license files": ", ".join(action.license_files)}
    inputs.update({f"variable {name}": value for name, value in action.environment.items()})
    inputs.update({f"command {name}": value for name, value in action.wrappers.items()})
    inputs.update({f"patch {name}": file_digest(content) for name, content in action.patches})
    inputs.update({f"file {name}": file_digest(content) for name, content in action.files.items()})
    return inputs
