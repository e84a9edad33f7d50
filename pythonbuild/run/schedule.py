"""The state of each step of a plan, and the order in which steps run.  All functions are pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from enum import Enum

from pythonbuild.plan.step import Plan

__all__ = ["State", "priorities", "ready", "states"]

# The assumed duration of a step that never ran on this machine.
_UNKNOWN_SECONDS = 20.0


class State(Enum):
    """The state of a step: its result is in the store, it must be built, or no other step needs it."""

    CACHED = "cached"
    BUILD = "build"
    NOT_NEEDED = "not needed"


def states(
    plan: Plan, stored: Callable[[Collection[str]], Collection[str]], final: Collection[str]
) -> dict[str, State]:
    """Return each step's state, going back from the `final` steps.  A step that only cached steps need is not needed.

    stored: takes names of steps and returns those with a result.  It gets each name once, and many names in one call.
    """
    found = dict.fromkeys(plan.steps, State.NOT_NEEDED)
    asked = set(final)
    while asked:
        there = set(stored(sorted(asked)))
        needed: set[str] = set()
        for name in asked:
            found[name] = State.CACHED if name in there else State.BUILD
            if found[name] is State.BUILD:
                needed |= {need.step for need in plan.steps[name].needs}
        asked = {name for name in needed if found[name] is State.NOT_NEEDED}
    return found


def priorities(plan: Plan, usual_seconds: Mapping[str, float]) -> dict[str, float]:
    """Return for each step the seconds from its start to the end of the plan, on the longest path."""
    remaining = dict.fromkeys(plan.steps, 0.0)
    for step in reversed(list(plan)):
        remaining[step.name] += usual_seconds.get(step.name, _UNKNOWN_SECONDS)
        for need in step.needs:
            remaining[need.step] = max(remaining[need.step], remaining[step.name])
    return remaining


def ready(plan: Plan, waiting: Collection[str], done: Collection[str], order: Mapping[str, float]) -> list[str]:
    """Return the waiting steps whose needs are all done, the one with the longest remaining path first."""
    free = [name for name in waiting if all(need.step in done for need in plan.steps[name].needs)]
    return sorted(free, key=lambda name: (-order[name], name))
