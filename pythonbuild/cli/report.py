"""What a build tells a person: while it runs, at its end, and of what failed."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from typing import Union

from pythonbuild.cli.deliver import Delivered
from pythonbuild.cli.session import Session
from pythonbuild.errors import StepsFailed
from pythonbuild.events import Note
from pythonbuild.plan.step import Plan
from pythonbuild.request.build import Build
from pythonbuild.run.loop import RunResult
from pythonbuild.ui.jsonl import JsonObserver
from pythonbuild.ui.live import LiveObserver
from pythonbuild.ui.plain import PlainObserver
from pythonbuild.ui.text import Style, failure_block, seconds, size

__all__ = ["UserObserver", "make_observer", "raise_failures", "tell_notes", "tell_summary"]

UserObserver = Union[JsonObserver, LiveObserver, PlainObserver]


def make_observer(flags: argparse.Namespace) -> UserObserver:
    """Return what shows events as the flags, and the terminal, want them."""
    if flags.json:
        return JsonObserver(sys.stdout, flags.verbose)
    style = Style(flags.color, sys.stderr)
    if sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
        return LiveObserver(sys.stderr, style, flags.verbose)
    return PlainObserver(sys.stderr, style, flags.verbose)


def tell_notes(session: Session, plan: Plan, observer: UserObserver) -> None:
    """Tell what people have to know of the Pythons that are going to be built."""
    builds = [output.build for output in plan.outputs if isinstance(output.build, Build)]
    for toolchain in (session.catalog.toolchain(name) for name in dict.fromkeys(build.toolchain for build in builds)):
        if toolchain.note:
            observer(Note(f"note     {toolchain.name}: {toolchain.note}"))
    if session.request.xcode:
        observer(Note(f"xcode    {session.request.xcode}"))
    elif session.request.msvc:
        observer(Note(f"msvc     {session.request.msvc.studio}, {session.request.msvc}"))
    elif "APPLE_SDK_PATH" in os.environ and any(build.target.macos for build in builds):
        observer(Note("APPLE_SDK_PATH is ignored: only builds on a Mac need Apple's SDK", "warning"))


def tell_summary(
    plan: Plan, result: RunResult, delivered: list[Delivered], elapsed: float, flags: argparse.Namespace
) -> None:
    """Print what was built, how long it took, and where it is; nothing where events are printed as JSON."""
    if flags.json:
        return
    lines = []
    slowest = sorted(result.built, key=lambda name: -result.records[name].seconds)[:5]
    if slowest:
        lines.append("slowest: " + ", ".join(f"{name} {seconds(result.records[name].seconds)}" for name in slowest))
    cached = len(result.records) - len(result.built)
    lines.append(f"{len(result.built)} steps built, {cached} from the store, in {seconds(elapsed)}")
    lines += [f"{file.path}  {size(file.bytes)}" for file in delivered]
    if not delivered and plan.steps and not result.failures:
        lines += [f"{name} is in the store" for name in list(result.records)[-1:]]
    sys.stdout.write("\n".join(lines) + "\n")


def raise_failures(result: RunResult, flags: argparse.Namespace) -> None:
    """Raise StepsFailed, after telling which, if something failed."""
    if not result.failures:
        return
    style = Style(flags.color, sys.stderr)
    for failure in result.failures:
        what = _request_arguments(flags)
        enter = shlex.join(["python3", "-m", "pythonbuild", "shell", failure.step, *what])
        sys.stderr.write("\n" + failure_block(failure, style, flags.command_line, enter) + "\n")
    raise StepsFailed(f"{len(result.failures)} steps failed")


def _request_arguments(flags: argparse.Namespace) -> list[str]:
    """Return the flags that choose what is built, for a command that must mean the same plan."""
    arguments = []
    for flag, values in (
        ("--target", flags.targets),
        ("--python", flags.pythons),
        ("--options", flags.options),
        ("--formats", flags.formats),
    ):
        arguments += [part for value in values or () for part in (flag, value)]
    for flag, value in (
        ("--python-source", flags.python_source),
        ("--pgo-profile", flags.pgo_profile),
        ("--distro", flags.distro),
        ("--distro-name", flags.distro_name),
        ("--revision", "" if flags.revision == "1" else flags.revision),
        ("--maintainer", flags.maintainer),
        ("--package-name", flags.package_name),
        ("--engine", "" if flags.engine == "auto" else flags.engine),
        ("--toolchain", "" if flags.toolchain == "auto" else flags.toolchain),
    ):
        arguments += [flag, value] if value else []
    for flag, chosen in (
        ("--release", flags.release),
        ("--fast", flags.fast),
        ("--enable-shared", flags.enable_shared),
    ):
        arguments += [flag] if chosen else []
    if flags.freethreaded is not None:
        arguments.append("--freethreaded" if flags.freethreaded else "--no-freethreaded")
    return arguments
