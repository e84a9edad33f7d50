"""The graph of steps: computes keys, merges equal steps of all builds, refuses circles, and shortens names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Optional

from pythonbuild.errors import BadCatalog
from pythonbuild.plan.step import Action, Need, Output, Plan, SourceFile, Step, identity_of, key_of

__all__ = ["Graph", "with_short_names"]

# Part of every key: raise it when the meaning of an artifact changes although none of its inputs does.
_FORMAT = "1"


class Graph:
    """The steps of a plan while it is made.  It does not know what steps do."""

    def __init__(self) -> None:
        self._steps: dict[str, Step] = {}  # by identity
        self._open: list[str] = []

    @property
    def steps(self) -> Mapping[str, Step]:
        """The steps by their identities, each after those that it needs."""
        return self._steps

    def find(self, label: str, target: str, toolchain: str) -> Optional[Step]:
        """Return a step that was added before, if there is one."""
        return self._steps.get(identity_of(label, target, toolchain))

    @contextmanager
    def making(self, label: str, target: str, toolchain: str) -> Iterator[None]:
        """Enclose the making of a step and of all that it needs.  Raises BadCatalog if the step needs itself."""
        identity = identity_of(label, target, toolchain)
        if identity in self._open:
            raise BadCatalog(f"recipes need each other in a circle: {' -> '.join([*self._open, identity])}")
        self._open.append(identity)
        try:
            yield
        finally:
            self._open.pop()

    def add(
        self,
        label: str,
        target: str,
        action: Action,
        inputs: Mapping[str, str],
        toolchain: str = "",
        needs: tuple[Need, ...] = (),
        sources: tuple[SourceFile, ...] = (),
    ) -> Step:
        """Add a step, or return the one that was added for another build.

        inputs: the content of the key, besides the keys of the steps that it needs; needs: name steps by their identities.
        """
        whole = {"format": _FORMAT, **inputs}
        for need in needs:
            whole[f"{need.role} {self._steps[need.step].label}"] = self._steps[need.step].key
        identity = identity_of(label, target, toolchain)
        step = Step(
            name=identity,
            label=label,
            target=target,
            toolchain=toolchain,
            inputs=whole,
            key=key_of(whole),
            action=action,
            needs=needs,
            sources=sources,
        )
        known = self._steps.setdefault(identity, step)
        assert known.key == step.key, f"two different steps are called {identity}"
        return known


def with_short_names(plan: Plan) -> Plan:
    """Return the plan with names as short as possible: a label that only one step has becomes its name."""
    by_label: dict[str, list[str]] = {}
    for name, step in plan.steps.items():
        by_label.setdefault(step.label, []).append(name)
    names = {name: label if len(same) == 1 else name for label, same in by_label.items() for name in same}
    steps = {
        names[old]: replace(
            step, name=names[old], needs=tuple(Need(need.role, names[need.step]) for need in step.needs)
        )
        for old, step in plan.steps.items()
    }
    outputs: tuple[Output, ...] = tuple(replace(output, step=names[output.step]) for output in plan.outputs)
    return Plan(steps, outputs)
