"""The printed reports of a build: progress, summary and failures."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from typing import Optional, Union

from pythonbuild.driver.deliver import OutputFile
from pythonbuild.errors import StepsFailed
from pythonbuild.flags.build import BuildAllFlags, BuildFlags, FeaturesFlags, RunFlags, ShellFlags
from pythonbuild.flags.common import Shown, VerbFlags
from pythonbuild.flags.declared import restricted, to_argv
from pythonbuild.plan.step import Plan
from pythonbuild.program import pasted
from pythonbuild.request.build import Build
from pythonbuild.run.loop import RunResult
from pythonbuild.ui.github import GithubObserver
from pythonbuild.ui.jsonl import JsonObserver
from pythonbuild.ui.live import LiveObserver
from pythonbuild.ui.plain import PlainObserver
from pythonbuild.ui.text import Style, failure_block
from pythonbuild.units import seconds, size

__all__ = ["UserObserver", "command", "make_observer", "raise_failures", "tell_summary", "warn"]

UserObserver = Union[GithubObserver, JsonObserver, LiveObserver, PlainObserver]


def warn(text: str) -> None:
    """Print a warning outside a build, where no observer prints it."""
    sys.stderr.write(f"warning: {text}\n")


def make_observer(flags: Shown, as_json: bool) -> UserObserver:
    """Return the observer that prints events: as JSON lines, or in the form that suits the flags and the terminal."""
    if as_json:
        return JsonObserver(sys.stdout, flags.verbose)
    style = Style(flags.color, sys.stderr)
    if sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
        return LiveObserver(sys.stderr, style, flags.verbose)
    if os.environ.get("GITHUB_ACTIONS") == "true":
        return GithubObserver(sys.stderr, style)
    return PlainObserver(sys.stderr, style, flags.verbose)


def tell_summary(plan: Plan, result: RunResult, delivered: list[OutputFile], elapsed: float) -> None:
    """Print the number of steps, the slowest ones, the elapsed time and the delivered files."""
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


def raise_failures(plan: Plan, result: RunResult, flags: RunFlags, retry: Optional[VerbFlags] = None) -> None:
    """If a step failed, print a report with the commands that help, and raise StepsFailed.

    retry: the flags of the user's command, if they are not `flags`.
    """
    if not result.failures:
        return
    style = Style(flags.color, sys.stderr)
    for failure in result.failures:
        # `shell` cannot plan the steps of `features`.
        enter = "" if isinstance(flags, FeaturesFlags) else command(_shell_flags(plan, failure.step, flags))
        sys.stderr.write("\n" + failure_block(failure, style, command(retry or flags), enter) + "\n")
    raise StepsFailed(f"{len(result.failures)} steps failed")


def _shell_flags(plan: Plan, step: str, flags: RunFlags) -> ShellFlags:
    """Return the flags that open a shell in a failed step's build root, limited to one build that needs the step."""
    shell = restricted(flags, ShellFlags, program=flags.program, verb="shell", step=step)
    for output in plan.outputs:
        build = output.build
        if isinstance(build, Build) and flags.rows and any(part.name == step for part in plan.closure([output.step])):
            return replace(
                shell,
                # The identity, because a step may have a shorter name in a smaller plan.
                step=plan.steps[step].identity,
                targets=(build.target.triple,),
                pythons=(f"cpython-{build.python}",),
                options=(str(build.options),),
            )
    return shell


def command(flags: VerbFlags) -> str:
    """Return the command line that gives these flags, quoted for a shell."""
    if isinstance(flags, BuildAllFlags) and flags.file:
        # --from supplies these.
        flags = replace(flags, targets=(), pythons=(), options=())
    if isinstance(flags, BuildFlags) and flags.program.is_script:
        # The entry script passes its platform itself.
        flags = replace(flags, platform="")
    return pasted([*flags.program.words(flags.verb), *to_argv(flags)])
