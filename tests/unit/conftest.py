"""A catalog made in memory, so that planner tests touch no disk; and tests here run no programs and reach no network."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pythonbuild.catalog.load import Catalog, RecipeFolder
from pythonbuild.catalog.schema import CpuNames, Origin, PythonRelease, PythonSeries, Recipe, Source, Target, Toolchain
from pythonbuild.model.version import PythonVersion

# What Python tells its audit hooks: https://docs.python.org/3/library/audit_events.html
_REFUSED = frozenset(
    "subprocess.Popen os.exec os.fork os.forkpty os.posix_spawn os.spawn os.system "
    "socket.bind socket.connect socket.getaddrinfo socket.sendto".split()
)
_running: list[str] = []


def _refuse(event: str, arguments: tuple[object, ...]) -> None:
    if _running and event in _REFUSED:
        pytest.fail(f"{event}{arguments!r}: a test that runs programs or reaches a network belongs to tests/build")


sys.addaudithook(_refuse)


@pytest.fixture(autouse=True)
def alone(request: pytest.FixtureRequest) -> Iterator[None]:
    """Let a test fail that runs a program or reaches a network."""
    _running.append(request.node.name)
    yield
    _running.clear()


def origin(letter: str, **values: str) -> Origin:
    return Origin(sha256=letter * 64, size=1, **({"url": f"https://example.org/{letter}.tar.gz"} | values))


def folder(name: str, script: str = "true {{ version }}", **values: object) -> RecipeFolder:
    fields: dict[str, object] = {
        "version": "1",
        "sources": (Source(origins=(origin("a"), origin("b", version="2"))),),
        **values,
    }
    return RecipeFolder(Recipe(name=name, **fields), {"build.sh.j2": script}, {}, {}, Path(name))  # type: ignore[arg-type]


@pytest.fixture
def catalog() -> Catalog:
    recipes = [
        folder("zlib"),
        folder("zstd", pythons=">=3.14"),
        folder("pkgconf", kind="tool"),
        folder("openssl", needs=("zlib",), tools=("pkgconf",)),
        folder(
            "cpython",
            kind="python",
            script="{{ python.version }} {{ options.pgo }}",
            version="",
            sources=(),
            needs=("openssl", "zlib", "zstd"),
            reads=("options", "python"),
        ),
    ]
    target = Target(
        triple="x86_64-unknown-linux-gnu",
        arch="x86_64",
        names=CpuNames(binary="X86_64", platform="x86_64"),
        libc="gnu",
        gnu="x86_64-linux-gnu",
        openssl="linux-x86_64",
        glibc="2.17",
        toolchains=("gcc", "llvm"),
        build_machines=("x86_64",),
    )
    gcc = Toolchain(
        name="gcc",
        description="",
        cc="gcc",
        cxx="g++",
        compilers={"gcc": "@TOOLCHAIN@/bin/gcc"},
        programs={"objcopy": "@TOOLCHAIN@/bin/{gnu}-objcopy", "ar": "@TOOLCHAIN@/bin/ar"},
        wheels={"x86_64": Origin(sha256="f" * 64, size=1, wheel="ppbt==1", platform="manylinux")},
        archive="{gnu}.tar",
    )
    llvm = Toolchain(
        name="llvm",
        description="",
        cc="clang",
        cxx="clang++",
        compilers={"clang": "@LLVM@/clang"},
        programs={},
        lto=True,
        sysroot_from="gcc",
        host_version=19,
        host_programs=("clang",),
        host_hint="apt-get install clang",
    )
    versions = ("3.11.2", "3.13.5", "3.13.15", "3.14.10")
    return Catalog(
        targets={target.triple: target},
        toolchains={"gcc": gcc, "llvm": llvm},
        recipes={item.recipe.name: item for item in recipes},
        series={series: PythonSeries(tcl="9.0", tcl_windows="8.6.14") for series in ("3.11", "3.13", "3.14")},
        releases={PythonVersion.parse(text): PythonRelease(version=text, origins=(origin("c"),)) for text in versions},
        default_python="cpython-3.13",
        common_templates={},
    )
