"""The Python step that writes a container image."""

from __future__ import annotations

from dataclasses import dataclass

from pythonbuild.model.python_step import SBOM_FILE, HandlerCall

__all__ = ["ImageParameters", "write"]


@dataclass(frozen=True)
class ImageParameters:
    """The parameters of an image.

    python: CPython's version; options: of the build; architecture, variant: the platform, in Go's names; base: the ID of the base
    image; based_on: its name in tags.  Both are "" without a base.
    """

    python: str
    options: str
    architecture: str
    variant: str
    base: str
    based_on: str


def write(call: HandlerCall[ImageParameters]) -> None:
    """Write the image of a distribution, stripped or not, including its bill of materials."""
    # Imported when the step runs, because the import takes longer than making a plan.
    from pythonbuild.driver.base_image import saved_base
    from pythonbuild.oci.image import Facts, Platform, write_image

    given = call.parameters
    trees = {found.role: found.tree for found in call.inputs}
    install = trees["stripped"] / "install" if "stripped" in trees else trees["bill"] / "python" / "install"
    own = [str(install / "bin" / "python3")]
    compiler = [str(trees["host-python"] / "bin" / "host-python")] if "host-python" in trees else own
    facts = Facts(given.python, given.options, Platform("linux", given.architecture, given.variant), given.based_on)
    with saved_base(given.base) as base:
        bill = trees["bill"] / "python" / "build" / SBOM_FILE
        write_image(install, bill, facts, base, [*compiler, "-s", "-B", "-m", "compileall"], call.output)
    call.say(f"image for {given.architecture}")
