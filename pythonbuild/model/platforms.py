"""The platforms of targets and of building machines.  Standard library only, because bootstrap uses it before an installation."""

from __future__ import annotations

from dataclasses import dataclass

from pythonbuild.errors import BadRequest

__all__ = ["PLATFORMS", "TargetPlatform", "platform_of"]


@dataclass(frozen=True)
class TargetPlatform:
    """A platform.

    name: as in the name of its entry script; part: what its target triples contain; native: what follows the CPU in the
    triple of a machine of this platform; system: its kernel's name in names of building machines; kernel: that name as
    `platform.system` returns it; command: what starts its entry script in the checkout; strips: True if debug information is
    in the programs and libraries themselves, so that stripping them makes separate files.
    """

    name: str
    part: str
    native: str
    system: str
    kernel: str
    command: str
    strips: bool

    def machine(self, cpu: str) -> str:
        """Return the name of a building machine in targets.yml and toolchains.yml: its CPU, with -darwin or -windows."""
        return cpu if self.system == "linux" else f"{cpu}-{self.system}"


PLATFORMS = {
    platform.name: platform
    for platform in (
        TargetPlatform("linux", "-linux-", "unknown-linux-gnu", "linux", "Linux", "./build-linux.py", True),
        # Mach-O files leave debug information in the objects, PE files in separate files.
        TargetPlatform("macos", "-apple-", "apple-darwin", "darwin", "Darwin", "./build-macos.py", False),
        # On Windows, PEP 397's launcher finds a Python.
        TargetPlatform(
            "windows", "-windows-", "pc-windows-msvc", "windows", "Windows", "py.exe build-windows.py", False
        ),
    )
}


def platform_of(triple: str) -> TargetPlatform:
    """Return the platform of a target triple.  Raises BadRequest if the text is not a target triple."""
    found = next((platform for platform in PLATFORMS.values() if platform.part in triple), None)
    if found is None:
        parts = ", ".join(platform.part for platform in PLATFORMS.values())
        raise BadRequest(f"{triple} is not a target triple", f"a target triple contains one of {parts}")
    return found
