"""A user's settings, in files and in the environment."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from pythonbuild.errors import BadRequest, MissingPrerequisite, nearest
from pythonbuild.home import expanded

__all__ = ["read_settings"]

_LINE = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_]*)=(.*)")
_TAKEN = re.compile(
    "(SCCACHE|PYTHONBUILD)_.+|PYBUILD_RELEASE_TAG|AWS_(ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN|REGION|DEFAULT_REGION|ENDPOINT_URL(_S3)?"
    "|CONTAINER_CREDENTIALS_(FULL|RELATIVE)_URI|ROLE_ARN|WEB_IDENTITY_TOKEN_FILE)"
)
# This variable is needed before any file can be read.
_TOO_LATE = "PYTHONBUILD_HOME"
_OWN = (
    "PYTHONBUILD_HOME",
    "PYTHONBUILD_MIRRORS",
    "PYTHONBUILD_STORE",
    "PYTHONBUILD_STORE_TIMEOUT",
    "PYTHONBUILD_STORE_TOKEN",
)


def read_settings(environment: Mapping[str, str], warn: Callable[[str], None]) -> dict[str, str]:
    """Return the settings of pythonbuild, sccache and AWS.

    The environment wins over ~/.config/pythonbuild/env (or XDG_CONFIG_HOME), and that over ~/.python-build-standalone-env.
    warn: called once with other names in these files.  Raises BadRequest for a line that is not a setting, with file and
    number; the line itself may be secret, so the message does not contain it.
    """
    merged: dict[str, str] = {}
    left: list[str] = []
    for path in _files(environment):
        found = _read(path)
        names = [name for name in found if not _TAKEN.fullmatch(name) or name == _TOO_LATE]
        left += [f"{name} in {path}" for name in names]
        merged.update({name: value for name, value in found.items() if name not in names})
    if left:
        warn(
            f"not passed on: {', '.join(left)}; builds see settings of sccache, AWS and pythonbuild only, "
            "as others would change results"
        )
    merged.update({name: value for name, value in environment.items() if _TAKEN.fullmatch(name)})
    for name in merged:
        near = nearest(name, _OWN) if name.startswith("PYTHONBUILD_") and name not in _OWN else []
        if near:
            warn(f"{name} is not a setting of pythonbuild; did you mean {near[0]}?")
    return merged


def _files(environment: Mapping[str, str]) -> list[Path]:
    """Return the paths of the files; a later file overrides an earlier one."""
    files = []
    given = environment.get("XDG_CONFIG_HOME", "")
    own = Path(given) if os.path.isabs(given) else None
    # A user may have no home folder.
    with suppress(MissingPrerequisite):
        user = Path(environment.get("HOME") or expanded("~"))
        files.append(user / ".python-build-standalone-env")
        own = own or user / ".config"
    return [*files, own / "pythonbuild" / "env"] if own else files


def _read(path: Path) -> dict[str, str]:
    try:
        text = path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except UnicodeDecodeError:
        raise BadRequest(f"{path} is not UTF-8 text", "write lines of the form NAME=value") from None
    found = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = _LINE.fullmatch(line)
        if not match:
            raise BadRequest(
                f"{path}, line {number}: neither NAME=value nor a comment", "write NAME=value, or put a # in front"
            )
        found[match[1]] = match[2].strip()
    return found
