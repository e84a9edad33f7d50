"""Finds Visual C++, a Windows SDK and a POSIX shell on this machine."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional

from packaging.version import InvalidVersion, Version

from pythonbuild.catalog.schema import Target
from pythonbuild.errors import BadRequest, MissingPrerequisite
from pythonbuild.host.toolchains import Msvc

__all__ = ["VisualStudioRequest", "cpu_of_prompt", "find_msvc"]

_OLDEST_SDK = "10.0.17763"
_PROGRAMS = ("cl", "lib", "link", "msbuild", "nmake", "rc")
# Programs beside the shell that scripts call.
_SHELL_PROGRAMS = tuple("basename cmp cp dirname find grep ls mkdir printf sed tr".split())
# Where installers put shells.
_SHELLS = (
    "{ProgramFiles}/Git/usr/bin/sh.exe",
    "C:/cygwin64/bin/sh.exe",
    "C:/cygwin/bin/sh.exe",
    "C:/msys64/usr/bin/sh.exe",
)
_STUDIO_HINT = (
    'install the build tools of Visual Studio with "Desktop development with C++" (visualstudio.microsoft.com/downloads), for ARM64 '
    "with its compilers; or choose another Visual Studio with --vs"
)
_SHELL_HINT = "install Git for Windows (git-scm.com), or name the sh.exe of Git, Cygwin or MSYS2 with --sh"
# Variables that programs of Windows and Visual C++ read; scripts do not see the user's other variables.
_KEPT = re.compile(
    r"(INCLUDE|LIB|LIBPATH|SystemRoot|SystemDrive|windir|ComSpec|PATHEXT|OS|Program(Files|Data|W6432).*|Common(ProgramFiles|ProgramW6432).*"
    r"|ALLUSERSPROFILE|APPDATA|LOCALAPPDATA|USERPROFILE|NUMBER_OF_PROCESSORS|PROCESSOR_.*|VC(INSTALLDIR|IDE.*|Tools.*)"
    r"|VS(INSTALLDIR|CMD_.*|\d+COMNTOOLS)|VisualStudioVersion|Windows.*|UCRTVersion|UniversalCRTSdkDir"
    r"|Platform|DevEnvDir|ExtensionSdkDir|Framework.*|__VSCMD.*)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class VisualStudioRequest:
    """What the user asked for: a Visual Studio (its year), an SDK (its version), a shell (its path).

    By default, "", the newest Visual Studio and SDK and the first shell are taken.
    """

    studio: str = ""
    sdk: str = ""
    shell: str = ""


class _Missing(Exception):
    """Something is not installed; the text names it, and its second line how to get it."""


def cpu_of_prompt(variables: Mapping[str, str], prompts: Mapping[str, str]) -> str:
    """Return our name of the CPU that a Native Tools Command Prompt builds for, "" outside of one.

    variables: the environment; prompts: our name of each CPU -> Visual Studio's.
    """
    name = variables.get("VSCMD_ARG_TGT_ARCH") or variables.get("Platform", "")
    return next((ours for ours, theirs in prompts.items() if theirs == name.lower()), "")


def find_msvc(
    target: Target,
    machine: str,
    request: VisualStudioRequest,
    variables: Mapping[str, str],
    prompts: Mapping[str, str],
) -> Msvc:
    """Return the compiler for a target: that of the command prompt in which this program runs, else that of a Visual Studio.

    machine: the building machine, e.g. x86_64-windows; variables, prompts: as for `cpu_of_prompt`.  Raises MissingPrerequisite, with
    everything that is missing, and BadRequest for a malformed SDK version.
    """
    if request.sdk and not re.fullmatch(r"10\.0\.\d+(\.\d+)?", request.sdk):
        raise BadRequest(f"{request.sdk!r} is not the version of a Windows SDK", "write it like 10.0.26100.0")
    missing: list[str] = []
    found: Optional[tuple[str, dict[str, str]]] = None
    shell: Optional[Path] = None
    try:
        found = _studio(target, machine, request, variables, prompts)
        missing += _lacks(target, found[1])
    except _Missing as problem:
        missing.append(str(problem))
    try:
        shell = _shell(request.shell, variables)
    except _Missing as problem:
        missing.append(str(problem))
    if missing or found is None or shell is None:
        raise MissingPrerequisite(
            f"this machine cannot build for {target.triple}:\n" + "\n".join(f"- {text}" for text in missing)
        )
    studio, values = found
    kept = {name: value for name, value in values.items() if _KEPT.fullmatch(name)}
    kept["PATH"] = os.pathsep.join(_path(values, shell))
    kept["WINDOWS_SDK"] = _sdk(values)
    kept.setdefault("NUMBER_OF_PROCESSORS", str(os.cpu_count() or 1))
    return Msvc(f"Visual C++ {values.get('VCTOOLSVERSION', '')}, SDK {_sdk(values)}", shell, kept, studio)


def _studio(
    target: Target,
    machine: str,
    request: VisualStudioRequest,
    variables: Mapping[str, str],
    prompts: Mapping[str, str],
) -> tuple[str, dict[str, str]]:
    """Return Visual Studio's name with its version, and all variables of its command prompt for the target.

    Names of variables are in upper case: Windows ignores case in them.
    """
    if cpu_of_prompt(variables, prompts) == target.arch and not request.studio and not request.sdk:
        name = f"Visual Studio {variables.get('VSCMD_VER', '')}".rstrip()
        return name, {name.upper(): value for name, value in variables.items()}
    studio = _newest(target, request, variables)
    own, wanted = prompts[machine.partition("-")[0]], prompts[target.arch]
    batch = Path(studio["installationPath"]) / "VC/Auxiliary/Build/vcvarsall.bat"
    values = _prompt(batch, own if own == wanted else f"{own}_{wanted}", request.sdk)
    return f"{studio.get('displayName', 'Visual Studio')} {studio['installationVersion']}", values


def _newest(target: Target, request: VisualStudioRequest, variables: Mapping[str, str]) -> dict[str, Any]:
    """Return vswhere's entry of the newest Visual Studio, of the requested year, that compiles for the target."""
    place = (
        Path(variables.get("ProgramFiles(x86)", "C:/Program Files (x86)"))
        / "Microsoft Visual Studio/Installer/vswhere.exe"
    )
    assert target.windows
    component = f"Microsoft.VisualStudio.Component.VC.Tools.{target.windows.component}"
    command = [str(place), "-products", "*", "-requires", component, "-sort", "-format", "json", "-utf8"]
    try:
        said = subprocess.run(command, capture_output=True, check=True).stdout
        studios: list[dict[str, Any]] = json.loads(said.decode("utf-8-sig"))
    except (OSError, subprocess.CalledProcessError, ValueError):
        raise _Missing(f"Visual Studio was not found ({place} does not answer)\n  {_STUDIO_HINT}") from None
    years = {str(studio.get("catalog", {}).get("productLineVersion", "")): studio for studio in reversed(studios)}
    if request.studio and request.studio not in years:
        others = f"; installed: {', '.join(sorted(years))}" if years else ""
        raise _Missing(f"Visual Studio {request.studio} with {component} was not found{others}\n  {_STUDIO_HINT}")
    if not studios:
        raise _Missing(f"Visual Studio with {component} was not found\n  {_STUDIO_HINT}")
    return years[request.studio] if request.studio else studios[0]


def _prompt(batch: Path, architecture: str, sdk: str) -> dict[str, str]:
    """Return all variables after a call of vcvarsall.bat, from a file because cmd cannot quote every path in its arguments."""
    with tempfile.TemporaryDirectory(prefix="pythonbuild-") as folder:
        script = Path(folder) / "variables.cmd"
        script.write_bytes(
            f'@chcp 65001 >nul\r\n@call "{batch}" {architecture} {sdk} >nul || exit /b 1\r\n@set\r\n'.encode()
        )
        done = subprocess.run(["cmd", "/d", "/c", str(script)], capture_output=True)
    if done.returncode:
        words = (done.stderr or done.stdout).decode("utf-8", "replace").strip().splitlines()
        raise _Missing(
            f"{batch} {architecture} {sdk}".rstrip() + f" fails: {words[-1] if words else ''}\n  {_STUDIO_HINT}"
        )
    lines = done.stdout.decode("utf-8", "replace").splitlines()
    pairs = (line.partition("=") for line in lines)
    return {name.upper(): value for name, equals, value in pairs if name and equals}


def _lacks(target: Target, values: Mapping[str, str]) -> Iterator[str]:
    """Yield a text for each thing that is missing in a command prompt with these variables."""
    path = values.get("PATH")
    assert target.windows
    programs = (*_PROGRAMS, target.windows.assembler)
    missing = [name for name in programs if shutil.which(name, path=path) is None]
    if missing:
        yield f"Visual Studio has no {', '.join(missing)}\n  {_STUDIO_HINT}"
    sdk = _sdk(values)
    try:
        old = Version(sdk) < Version(_OLDEST_SDK)
    except InvalidVersion:
        yield f"Visual Studio found no Windows SDK\n  {_STUDIO_HINT}"
        return
    if old:
        yield f"the Windows SDK is {sdk}, and CPython requires {_OLDEST_SDK} or newer\n  {_STUDIO_HINT}"


def _sdk(values: Mapping[str, str]) -> str:
    return values.get("WINDOWSSDKVERSION", "").rstrip("\\/")


def _path(values: Mapping[str, str], shell: Path) -> Iterator[str]:
    """Yield the folders of PATH: those of compiler and SDK, whose link wins over the shell's; the shell's, whose find wins over
    Windows'; and those of Windows."""
    entries = [entry for entry in values.get("PATH", "").split(os.pathsep) if entry]
    system = values.get("SYSTEMROOT")
    roots = [values[name] for name in ("VSINSTALLDIR", "WINDOWSSDKDIR") if values.get(name)]
    yield from (entry for entry in entries if any(_below(entry, root) for root in roots))
    yield str(shell.parent)
    yield from (entry for entry in entries if system and _below(entry, system))


def _below(entry: str, root: str) -> bool:
    whole = entry.replace("\\", "/").lower().rstrip("/") + "/"
    return whole.startswith(root.replace("\\", "/").lower().rstrip("/") + "/")


def _shell(wish: str, variables: Mapping[str, str]) -> Path:
    """Return the requested shell, else that of the git on PATH, else the first where an installer would put one."""
    if wish:
        places = [Path(wish)]
    else:
        git = shutil.which("git")
        beside = [Path(git).resolve().parents[1] / "usr/bin/sh.exe"] if git else []
        places = beside + [
            Path(place.format(ProgramFiles=variables.get("ProgramFiles", "C:/Program Files"))) for place in _SHELLS
        ]
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        what = f"the POSIX shell {wish}" if wish else "a POSIX shell"
        raise _Missing(f"{what} was not found\n  {_SHELL_HINT}")
    missing = [name for name in _SHELL_PROGRAMS if shutil.which(name, path=str(found.parent)) is None]
    if missing:
        raise _Missing(f"the folder of {found} lacks {', '.join(missing)}\n  {_SHELL_HINT}")
    return found.absolute()
