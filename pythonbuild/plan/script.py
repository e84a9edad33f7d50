"""The commands and variables of build scripts, and the inputs of a script in its step's key."""

from __future__ import annotations

from collections.abc import Iterable

from pythonbuild.catalog.load import file_digest
from pythonbuild.catalog.schema import Recipe, Toolchain
from pythonbuild.plan.step import ScriptAction
from pythonbuild.request.build import Build

__all__ = [
    "commands",
    "compiler_arguments",
    "compiler_names",
    "script_inputs",
    "unix_variables",
    "windows_variables",
]

# The time that programs write instead of the current one: 2024-01-01 00:00 UTC.
_EPOCH = "1704067200"


def commands(toolchain: Toolchain, build: Build) -> dict[str, str]:
    """Return {command: command line}.  Compilers get the target, the sysroot, and the build root's include and library folders."""
    gnu = build.target.gnu
    arguments = compiler_arguments(toolchain, build)
    # Results must not contain the paths of build roots or of the store.  GCC passes only the debug option on to the assembler.
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
    """Return the commands that compile on Unix: the toolchain's, except its preprocessor, and `others`."""
    if toolchain.runs_on == "windows":
        return ()
    return (*(name for name in toolchain.compilers if name != "cpp"), *others)


def compiler_arguments(toolchain: Toolchain, build: Build) -> list[str]:
    """Return the arguments that tell a compiler its target."""
    target = build.target
    minor = target.glibc.partition(".")[2]
    words = {
        "gnu": target.gnu,
        "arch": target.arch,
        "apple_arch": target.names.platform,
        "glibc_minor": minor,
        "macos": target.macos,
    }
    return [
        argument.format(**words)
        for argument in (*toolchain.arguments, *target.arguments)
        if minor or "{glibc_minor}" not in argument
    ]


def unix_variables(recipe: Recipe, toolchain: Toolchain) -> dict[str, str]:
    """Return the variables of a recipe's script.  The toolchain adds some of its own."""
    # CPython chooses its optimization flags; many libraries compile without optimization by default.
    flags = "" if recipe.is_python else "-O3 -fPIC"
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
        "SRC": f"@ROOT@/src/{recipe.name}",
        "STRIP": "strip",
        "TMPDIR": "@ROOT@/tmp",
        "TOOLS": "@ROOT@/tools",
        "TZ": "UTC",
    }


def windows_variables(recipe: Recipe) -> dict[str, str]:
    """Return the variables of a recipe's script for Windows.  Visual C++ adds those that its programs need."""
    return {
        "DEPS": "@ROOT@/deps",
        "FILES": "@ROOT@/files",
        "LC_ALL": "C",
        # Otherwise Git's and MSYS2's shells convert arguments that begin with a slash, as if they were paths.
        "MSYS2_ARG_CONV_EXCL": "*",
        "OUT": "@ROOT@/out",
        "PYTHONUTF8": "1",
        "ROOT": "@ROOT@",
        "SOURCES": "@ROOT@/src",
        "SOURCE_DATE_EPOCH": _EPOCH,
        "SRC": f"@ROOT@/src/{recipe.name}",
        "TMPDIR": "@ROOT@/tmp",
        "TOOLS": "@ROOT@/tools",
        "TZ": "UTC",
    }


def script_inputs(action: ScriptAction) -> dict[str, str]:
    """Return the inputs of a script for its step's key, under names that people can read."""
    inputs = {"script": file_digest(action.script.encode()), "license files": ", ".join(action.license_files)}
    inputs.update({f"variable {name}": value for name, value in action.environment.items()})
    inputs.update({f"command {name}": value for name, value in action.wrappers.items()})
    inputs.update({f"patch {name}": file_digest(content) for name, content in action.patches})
    inputs.update({f"file {name}": file_digest(content) for name, content in action.files.items()})
    return inputs
