"""Why a step must be built: the inputs of its key, and the changes since it was last built."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Optional

from pythonbuild.plan.step import Plan, Step
from pythonbuild.store.record import Record
from pythonbuild.store.store import Store
from pythonbuild.units import seconds

__all__ = ["causes", "changes", "explain_row", "explain_text"]

_MOST_SHOWN = 3


def changes(old: Mapping[str, str], new: Mapping[str, str]) -> list[tuple[str, Optional[str], Optional[str]]]:
    """Return (input, old value, new value) for every input that differs; None where one side lacks it."""
    names = sorted({*old, *new})
    return [(name, old.get(name), new.get(name)) for name in names if old.get(name) != new.get(name)]


def causes(plan: Plan, step: Step, before: Mapping[str, str], store: Store) -> dict[str, list[str]]:
    """Return {step: changed inputs} for the steps whose own inputs changed, among those that this one uses, near or far.

    before: the inputs when `step` was last built.  The list is empty for a step that is new, or whose old record is gone.
    """
    found: dict[str, list[str]] = {}
    todo = [(step, before)]
    seen = set()
    while todo:
        user, old = todo.pop()
        for need in user.needs:
            used = plan.steps[need.step]
            key = old.get(_input_of(need.role, used), "")
            if key == used.key or used.name in seen:
                continue
            seen.add(used.name)
            record = store.find(key) if key else None
            own = _own_changes(plan, used, record.inputs) if record else []
            if own or record is None:
                found[used.name] = own
            if record:
                todo.append((used, record.inputs))
    return dict(sorted(found.items()))


def _own_changes(plan: Plan, step: Step, before: Mapping[str, str]) -> list[str]:
    """Return the names of the inputs that changed, without the keys of the results that the step uses."""
    used = {_input_of(need.role, plan.steps[need.step]) for need in step.needs}
    return [name for name, _, _ in changes(before, step.inputs) if name not in used]


def _input_of(role: str, used: Step) -> str:
    """Return the name of the input that has the key of a used step."""
    return f"{role} {used.label}"


def explain_row(step: Step, where: str, last: Optional[Record], because: Mapping[str, list[str]]) -> dict[str, object]:
    """Return the content of `explain_text` as data: step, key, state, inputs, last_key, last_seconds, changes and causes.

    last_key and last_seconds are None if the step was never built.
    """
    differing = changes(last.inputs, step.inputs) if last else []
    return {
        "step": step.name,
        "key": step.key,
        "state": where,
        "inputs": dict(sorted(step.inputs.items())),
        "last_key": last.key if last else None,
        "last_seconds": last.seconds if last else None,
        "changes": [{"input": name, "old": old, "new": new} for name, old, new in differing],
        "causes": dict(because),
    }


def explain_text(step: Step, where: str, last: Optional[Record], because: Mapping[str, list[str]]) -> str:
    """Return the inputs of a step's key, and the differences from the last build of the same identity.

    where: the place of its result, in words; because: the output of `causes`.
    """
    lines = [f"{step.name}  key {step.key[:16]}  {where}"]
    if last is None:
        lines.append("  never built here")
    else:
        differing = changes(last.inputs, step.inputs)
        unchanged = "" if differing else ": nothing has changed"
        lines.append(f"  last built with key {last.key[:16]}, in {seconds(last.seconds)}{unchanged}")
        for name, own in because.items():
            lines.append(f"    because of {name}: {_listed(own)}")
        for name, old, new in differing:
            what = "is new:" if old is None else "is gone" if new is None else "changed:"
            lines.append(f"    {name} {what} {' -> '.join(_short(value) for value in (old, new) if value is not None)}")
    lines.append("  inputs of its key:")
    lines += [f"    {name:<28} {_short(value)}" for name, value in sorted(step.inputs.items())]
    return "\n".join(lines)


def _listed(own: list[str]) -> str:
    if not own:
        return "new, or its old inputs are no longer known"
    more = f" and {len(own) - _MOST_SHOWN} more" if len(own) > _MOST_SHOWN else ""
    return f"{', '.join(own[:_MOST_SHOWN])}{more}"


def _short(value: str) -> str:
    if len(value) == 64 and set(value) <= set("0123456789abcdef"):
        return value[:16]
    return value if value else '""'
