"""The Python step that separates the code of an installation from its debug information."""

from __future__ import annotations

from pythonbuild.model.python_step import HandlerCall, StripParameters

__all__ = ["strip"]


def strip(call: HandlerCall[StripParameters]) -> None:
    """Write install/, the installation without debug information, and symbols/, the debug information."""
    # Imported when the step runs, because the import takes longer than making a plan.
    from pythonbuild.packaging.strip import strip_installation

    trees = {found.role: found.tree for found in call.inputs}
    objcopy = trees["toolchain"] / call.parameters.objcopy
    install = trees["distribution"] / "python" / "install"
    strip_installation(install, call.output / "install", call.output / "symbols", objcopy, call.threads, call.say)
