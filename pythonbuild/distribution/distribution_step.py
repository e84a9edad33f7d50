"""The Python step that makes a distribution from CPython and the libraries that it links."""

from __future__ import annotations

from pythonbuild.model.python_step import DistributionParameters, HandlerCall

__all__ = ["distribution"]


def distribution(call: HandlerCall[DistributionParameters]) -> None:
    """Write a distribution from the trees with the roles cpython, library and host-python; see `assemble`."""
    # Imported when the step runs, because the import takes longer than making a plan.
    from pythonbuild.distribution.assemble import assemble

    (cpython,) = [found.tree for found in call.inputs if found.role == "cpython"]
    libraries = {found.step: found.tree for found in call.inputs if found.role == "library"}
    host_python = next((found.tree for found in call.inputs if found.role == "host-python"), None)
    assemble(call.parameters, cpython, libraries, call.output, call.say, host_python)
