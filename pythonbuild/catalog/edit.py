"""Change a pin in its YAML file: only version, address, SHA-256 and size, in place, so that comments and layout stay as they are."""

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

# Characters of a text, from and to, and what takes their place.
_Change = tuple[int, int, str]
_Fields = dict[str, tuple[yaml.ScalarNode, Any]]


def rewrite(root: Path, pin: Pin, version: str, origin: Origin) -> tuple[str, str, tuple[str, ...]]:
    """Write a new version and its origin into a pin's file; returns the text before, after, and the places of origins that were dropped.

    root: the catalog's folder (cpython-unix), which is read again.  Raises BadCatalog if it does not then say what it should: the file is
    as it was.
    """
    before = pin.file.read_bytes().decode()
    after, dropped = edited(before, pin, version, origin)
    try:
        _write(pin.file, after)
        load_catalog.cache_clear()
        new = pins(load_catalog(root), root)[pin.name]
        if new.version != version:
            raise BadCatalog(f"{pin.name} would be {new.version}")
        if not all(origin in source.origins for source in new.sources):
            raise BadCatalog(f"the origins of {pin.name} in {pin.file} would not say {origin.place}")
    except BaseException as error:
        _write(pin.file, before)
        load_catalog.cache_clear()
        if isinstance(error, PythonBuildError):
            raise BadCatalog(f"version {version} cannot be written, and nothing was: {error.message}") from None
        raise
    return before, after, dropped


def edited(text: str, pin: Pin, version: str, origin: Origin) -> tuple[str, tuple[str, ...]]:
    """Return the text of a pin's file with a new version, and the places of the origins that are not in it any more.

    In each list of origins the first that can be had of upstream (else the first) becomes `origin`.  One that names a version of its own
    stays; the others were of the old version, and go.  Raises BadCatalog if that cannot be done in place.
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
            raise BadCatalog(f"{pin.file}: every origin of {pin.name} names a version of its own")
        taken = next((item for item in old if {"url", "sdist"} & set(_fields(item))), old[0])
        changes += _become(_fields(taken), origin)
        places += [_place(_fields(taken))] if "debian" in _fields(taken) else []
        for item in old:
            if item is not taken:
                if sequence.flow_style:
                    raise BadCatalog(
                        f"{pin.file}: the origins of {pin.name} are in one line; write one below the other"
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
    """Return the changes by which an item of a list becomes another origin."""
    kind, value = ("sdist", origin.sdist or "") if origin.sdist else ("url", origin.url or "")
    key, old = next(fields[name] for name in ("url", "sdist", "debian", "wheel") if name in fields)
    named = [] if key.value == kind else [_scalar(key, kind)]
    sums = [_scalar(fields["sha256"][1], origin.sha256), _scalar(fields["size"][1], origin.size)]
    return [*named, _scalar(old, value), *sums]


def _scalar(node: yaml.ScalarNode, value: Union[str, int]) -> _Change:
    """Return the change of a value, quoted as it was; or as it must be, to be read as what it is."""
    quote = node.style or ""
    if not quote and yaml.safe_load(f"[{value}]") != [value]:
        quote = '"'
    return node.start_mark.index, node.end_mark.index, f"{quote}{value}{quote}"


def _without(text: str, item: yaml.Node, first: bool) -> _Change:
    """Return the change that removes the lines of an item, and those of the comment above it, unless that is the whole list's."""
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
