"""Every verb is done by something, and loads no more than it needs."""

from __future__ import annotations

from pythonbuild.cli.main import function_of
from pythonbuild.cli.options import VERBS


def test_every_verb_is_done_by_something() -> None:
    assert {name: callable(function_of(verb)) for name, verb in VERBS.items()} == dict.fromkeys(VERBS, True)
