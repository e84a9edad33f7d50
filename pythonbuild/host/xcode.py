"""Finds Apple's compiler and SDKs on this Mac."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from pythonbuild.catalog.schema import Toolchain
from pythonbuild.errors import MissingPrerequisite
from pythonbuild.host.doctor import find_program
from pythonbuild.host.toolchains import AppleSdk, Xcode
from pythonbuild.model.target import building_machine

__all__ = ["find_xcode"]


class _Unusable(Exception):
    """A tool or an SDK cannot be used; the text is the reason."""


def find_xcode(toolchain: Toolchain, variables: Mapping[str, str]) -> Xcode:
    """Return Apple's tools on this Mac, and the SDKs to use with them.

    variables: APPLE_SDK_PATH names the SDK for the Python, APPLE_HOST_SDK_PATH the SDK for programs that run during the
    build.  Without them, xcrun names the SDK.  Raises MissingPrerequisite, with everything that is missing.
    """
    wrong: list[str] = []
    try:
        clang = Path(_said("xcrun", "--find", "clang"))
    except _Unusable as error:
        raise MissingPrerequisite(
            f"Apple's command line tools are not on this Mac: {error}", toolchain.host_hint
        ) from None
    missing = [name for name in toolchain.host_programs if not os.access(clang.parent / name, os.X_OK)]
    if missing:
        wrong.append(f"{clang.parent} has no {', '.join(missing)}")
    found: dict[str, AppleSdk] = {}
    for name in ("APPLE_SDK_PATH", "APPLE_HOST_SDK_PATH"):
        try:
            found[name] = _sdk(name, variables.get(name, ""))
        except _Unusable as error:
            wrong.append(str(error))
    if wrong:
        raise MissingPrerequisite(
            "Apple's tools cannot build here:\n" + "\n".join(f"- {text}" for text in dict.fromkeys(wrong)),
            toolchain.host_hint,
        )
    return Xcode(
        programs=clang.parent,
        version=_said(str(clang), "--version").splitlines()[0],
        sdk=found["APPLE_SDK_PATH"],
        tools_sdk=found["APPLE_HOST_SDK_PATH"],
        rosetta=building_machine() == "aarch64-darwin" and _runs_intel(),
    )


def _sdk(variable: str, given: str) -> AppleSdk:
    """Return the SDK in the folder `given`, the value of that variable; if it is empty, the SDK that xcrun names."""
    path = Path(given or _said("xcrun", "--sdk", "macosx", "--show-sdk-path"))
    source = f"{variable}={given}" if given else f"xcrun's SDK {path}"
    try:
        settings = json.loads((path / "SDKSettings.json").read_text(encoding="utf-8"))
        sdk = AppleSdk(path.absolute(), str(settings["CanonicalName"]), str(settings["Version"]))
    except (OSError, ValueError, KeyError, TypeError):
        raise _Unusable(f"{source} is not an SDK: it has no SDKSettings.json with a name and version") from None
    if not sdk.name.startswith("macosx"):
        raise _Unusable(f"{source} is not for macOS, but {sdk.name}")
    return sdk


def _said(program: str, *arguments: str) -> str:
    """Return the output of a program.  Raises _Unusable, with the last line of its errors, if it fails."""
    place = find_program(program)
    if place is None:
        raise _Unusable(f"{program} is not installed")
    done = subprocess.run([place, *arguments], capture_output=True, text=True)
    if done.returncode or not done.stdout.strip():
        words = done.stderr.strip().splitlines()
        raise _Unusable(words[-1] if words else f"{program} {' '.join(arguments)} ends with status {done.returncode}")
    return done.stdout.strip()


def _runs_intel() -> bool:
    """Return whether this Mac has Rosetta, which runs programs for Intel."""
    arch = find_program("arch")
    return arch is not None and subprocess.run([arch, "-x86_64", "true"], capture_output=True).returncode == 0
