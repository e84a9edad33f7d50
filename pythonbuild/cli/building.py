"""Builds with their output for users: progress, then the delivered files, or the failures."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Optional

from pythonbuild.cli.report import make_observer, raise_failures, tell_summary
from pythonbuild.driver.building import Done, build, fetch
from pythonbuild.events import Delivered, DeliveredFile, Display
from pythonbuild.flags.build import BuildFlags, FetchFlags, RunFlags
from pythonbuild.flags.common import Shown, VerbFlags
from pythonbuild.home import expanded
from pythonbuild.sources.cache import sha256_of

__all__ = ["build_and_deliver", "fetch_sources", "make_step"]


def build_and_deliver(flags: BuildFlags) -> None:
    """Build the request, copy the results to the output folder, and print a summary.  Raises StepsFailed."""
    started = time.monotonic()
    with _shown(flags, flags.json) as display:
        done = build(flags, display)
        delivered = done.deliver(expanded(flags.output), flags.sign)
        if flags.json:
            files = (DeliveredFile(file.path, file.bytes, sha256_of(file.path)) for file in delivered)
            display(Delivered(tuple(files)))
    if not flags.json:
        tell_summary(done.plan, done.result, delivered, time.monotonic() - started)
    raise_failures(done.plan, done.result, flags)


def fetch_sources(flags: FetchFlags) -> None:
    """Download the sources of the requested builds."""
    with _shown(flags, flags.json) as display:
        fetch(flags, display)


def make_step(flags: RunFlags, name: str, retry: Optional[VerbFlags] = None) -> Done:
    """Build one step of the request, unless the store has it.

    retry: the flags of the user's command, if they are not `flags`.  Raises StepsFailed.
    """
    with _shown(flags, flags.json) as display:
        done = build(replace(flags, only=(name,)), display)
    raise_failures(done.plan, done.result, flags, retry)
    return done


@contextmanager
def _shown(flags: Shown, as_json: bool) -> Iterator[Display]:
    display = make_observer(flags, as_json)
    try:
        yield display
    finally:
        display.close()
