"""Change the version, address, SHA-256 and size of a pin in its YAML file, and keep all comments and the layout."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, Union

import yaml

from pythonbuild.catalog.load import load_catalog
from pythonbuild.catalog.pins import Pin, pins
from pythonbuild.catalog.schema import Origin
from pythonbuild.errors import BadCatalog, PythonBuildError
from pythonbuild.files import replacing

__all__ = ["edited", "rewrite"]

# Start and end of a part of a text, and its replacement.
_Change = tuple[int, int, str]
_Fields = dict[str, tuple[yaml.ScalarNode, Any]]


def rewrite(root: Path, pin: Pin, version: str, origin: Origin) -> tuple[str, str, tuple[str, ...]]:
    """Write a new version and its origin into a pin's file.  Return the text before, the text after, and the dropped origins.

    root: the catalog's folder (cpython-unix), which is read again to check the result.  If the check fails, the file is restored.
    Raises BadCatalog.
    """
    before = pin.file.read_bytes().decode()
    after, dropped = edited(before, pin, version, origin)
    try:
        _write(pin.file, after)
        load_catalog.cache_clear()
        new = pins(load_catalog(root), root)[pin.name]
        if new.version != version:
            raise BadCatalog(f"{pin.name} would have version {new.version}")
        if not all(origin in source.origins for source in new.sources):
            raise BadCatalog(f"the origins of {pin.name} in {pin.file} would not include {origin.place}")
    except BaseException as error:
        _write(pin.file, before)
        load_catalog.cache_clear()
        if isinstance(error, PythonBuildError):
            raise BadCatalog(f"version {version} cannot be written; the file is unchanged: {error.message}") from None
        raise
    return before, after, dropped


def edited(text: str, pin: Pin, version: str, origin: Origin) -> tuple[str, tuple[str, ...]]:
    """Return the text of a pin's file with a new version, and the addresses of the dropped origins.

    In each list of origins, `origin` replaces the first one with a URL or an sdist, else the first one.  Origins with their own version
    stay.  The others have the old version, and are removed.  Raises BadCatalog if the file cannot be changed in place.
    """
    node: Any = yaml.compose(text, Loader=yaml.SafeLoader)
    for step in pin.place:
        node = node.value[step] if isinstance(step, int) else _fields(node)[step][1]
    fields = _fields(node)
    changes = [_scalar(fields["version"][1], version)]
    places: list[str] = []
    for parent in fields["sources"][1].value if "sources" in fields else [node]:
        sequence = _fields(parent)["origins"][1]
        old = [item for item in sequence.value if "version" not in _fields(item)]
        if not old:
            raise BadCatalog(f"{pin.file}: every origin of {pin.name} has its own version")
        taken = next((item for item in old if {"url", "sdist"} & set(_fields(item))), old[0])
        changes += _become(_fields(taken), origin)
        places += [_place(_fields(taken))] if "debian" in _fields(taken) else []
        for item in old:
            if item is not taken:
                if sequence.flow_style:
                    raise BadCatalog(
                        f"{pin.file}: the origins of {pin.name} are on one line; write each on its own line"
                    )
                changes.append(_without(text, item, first=item is sequence.value[0]))
                places.append(_place(_fields(item)))
    for start, end, new in sorted(changes, reverse=True):
        text = text[:start] + new + text[end:]
    return text, tuple(dict.fromkeys(places))


def _fields(node: yaml.Node) -> _Fields:
    """Return a mapping's nodes by key."""
    return {key.value: (key, value) for key, value in node.value}


def _become(fields: _Fields, origin: Origin) -> list[_Change]:
    """Return the changes that turn an item of a list into another origin."""
    kind, value = ("sdist", origin.sdist or "") if origin.sdist else ("url", origin.url or "")
    key, old = next(fields[name] for name in ("url", "sdist", "debian", "wheel") if name in fields)
    named = [] if key.value == kind else [_scalar(key, kind)]
    sums = [_scalar(fields["sha256"][1], origin.sha256), _scalar(fields["size"][1], origin.size)]
    return [*named, _scalar(old, value), *sums]


def _scalar(node: yaml.ScalarNode, value: Union[str, int]) -> _Change:
    """Return the change of a value.  It keeps its quotes, and gets some if YAML would read it differently without."""
    quote = node.style or ""
    if not quote and yaml.safe_load(f"[{value}]") != [value]:
        quote = '"'
    return node.start_mark.index, node.end_mark.index, f"{quote}{value}{quote}"


def _without(text: str, item: yaml.Node, first: bool) -> _Change:
    """Return the change that removes the lines of an item, and of the comment above it unless the item is the first."""
    start = text.rfind("\n", 0, item.start_mark.index) + 1
    end = text.find("\n", item.value[-1][1].end_mark.index) + 1 or len(text)
    indent = text[start : text.index("-", start)]
    while not first:
        above = text.rfind("\n", 0, start - 1) + 1
        if not text.startswith(f"{indent}#", above) or above == start:
            break
        start = above
    return start, end, ""


def _place(fields: _Fields) -> str:
    return next(str(fields[name][1].value) for name in ("debian", "url", "sdist", "wheel") if name in fields)


def _write(file: Path, text: str) -> None:
    """Replace the text of a file, and keep its mode."""
    with replacing(file) as partial:
        partial.write_bytes(text.encode())
        shutil.copymode(file, partial)
