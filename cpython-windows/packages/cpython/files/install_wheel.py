"""Install a pure Python wheel into a Python for Windows, which need not run here.  The wheel's programs can move with the Python.

Called as: install_wheel.py WHEEL PYTHON LAUNCHER.  Wheel: packaging.python.org, "Binary distribution format".  LAUNCHER (t64, t32 or
t64-arm) is one of pip's launchers.  It reads a first line and a zip file after its own end.
"""

from __future__ import annotations

import base64
import configparser
import csv
import hashlib
import io
import sys
import zipfile
from pathlib import Path

# A launcher replaces <launcher_dir> with its own folder; the interpreter is one folder above.
FIRST_LINE = b"#!<launcher_dir>\\..\\python.exe\n"
STARTER = """import sys

from {module} import {function}

if __name__ == "__main__":
    sys.argv[0] = sys.argv[0].removesuffix(".exe")
    sys.exit({function}())
"""


def launcher_of(wheel: zipfile.ZipFile, python: Path, name: str) -> bytes:
    """Return the launcher's bytes, from pip's wheel or from the installed pip."""
    inside = f"pip/_vendor/distlib/{name}.exe"
    if inside in wheel.namelist():
        return wheel.read(inside)
    return (python / "Lib/site-packages" / inside).read_bytes()


def program(launcher: bytes, entry: str) -> bytes:
    """Return a program that starts an entry point such as "pip._internal.cli.main:main"."""
    module, _, function = entry.partition(":")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        # ZipInfo has a fixed time, so the bytes are always the same.
        archive.writestr(
            zipfile.ZipInfo("__main__.py"), STARTER.format(module=module.strip(), function=function.strip())
        )
    return launcher + FIRST_LINE + packed.getvalue()


def entry_points(wheel: zipfile.ZipFile, info: str) -> dict[str, str]:
    """Return the console scripts that a wheel declares: name -> entry point."""
    parser = configparser.ConfigParser(delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # names keep their case
    if f"{info}/entry_points.txt" in wheel.namelist():
        parser.read_string(wheel.read(f"{info}/entry_points.txt").decode())
    return dict(parser["console_scripts"]) if parser.has_section("console_scripts") else {}


def install(wheel_path: Path, python: Path, launcher_name: str) -> None:
    """Install one wheel."""
    packages = python / "Lib/site-packages"
    with zipfile.ZipFile(wheel_path) as wheel:
        info = next(name.split("/")[0] for name in wheel.namelist() if name.endswith(".dist-info/RECORD"))
        wheel.extractall(packages)
        rows = list(csv.reader(io.StringIO(wheel.read(f"{info}/RECORD").decode())))
        new = {f"{info}/INSTALLER": b"pip\n"}
        for name, entry in entry_points(wheel, info).items():
            new[f"../../Scripts/{name}.exe"] = program(launcher_of(wheel, python, launcher_name), entry)
    for place, content in new.items():
        path = packages / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        rows.insert(-1, [place, f"sha256={digest}", str(len(content))])
    with open(packages / info / "RECORD", "w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


if __name__ == "__main__":
    install(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
