"""Every verb has a function."""

from __future__ import annotations

from pythonbuild.cli.main import function_of
from pythonbuild.cli.options import VERBS

# Loaded here and not in the test: a library that looks for IPv6 when it is loaded would break the rule of this group.
FUNCTIONS = {name: function_of(verb) for name, verb in VERBS.items()}


def test_every_verb_is_done_by_something() -> None:
    assert {name: callable(function) for name, function in FUNCTIONS.items()} == dict.fromkeys(VERBS, True)
