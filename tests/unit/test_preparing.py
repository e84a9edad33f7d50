"""The preparation of a build plans again only after it changed something."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from pythonbuild.driver import preparing
from pythonbuild.driver.session import Session
from pythonbuild.flags.build import RunFlags
from pythonbuild.plan.step import Plan, PythonAction, ScriptAction, Step
from pythonbuild.run.schedule import State


class Stage:
    """Stand-ins for planning, looking up, the engine and downloads; `calls` lists what was called."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, state: State, script: bool, downloads: list[bool]) -> None:
        self.calls: list[str] = []
        self.session: Session = cast(Session, SimpleNamespace(store=None))
        action = ScriptAction("", {}, {}) if script else PythonAction("archive", None)
        plan = Plan({"zlib": Step("zlib", "zlib", "here", "", {}, "key", action)}, ())
        engine = SimpleNamespace(close=lambda: self.calls.append("close"))
        answers: dict[str, Any] = {
            "wanted_steps": ("plan", lambda *_: (plan, ("zlib",))),
            "lookup": ("look", lambda *_: ({"zlib": state}, {})),
            "_check_machine": ("check", lambda *_: None),
            "_start_engine": ("start", lambda *_: (self.session, engine)),
            "fetch_sources": ("fetch", lambda *_: downloads.pop(0)),
        }
        for name, (word, answer) in answers.items():
            monkeypatch.setattr(preparing, name, self._recorded(word, answer))

    def _recorded(self, word: str, answer: Any) -> Any:
        def call(*arguments: object) -> Any:
            self.calls.append(word)
            return answer(*arguments)

        return call

    def prepare(self) -> str:
        """Prepare a build, and return what was called up to its start."""
        flags = cast(RunFlags, SimpleNamespace(executor="threads", only=(), output="dist", offline=False))
        with preparing.prepared(self.session, flags, cast(Any, None)):
            return " ".join(self.calls)


def test_a_build_with_nothing_to_do_is_planned_once(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage(monkeypatch, State.CACHED, script=True, downloads=[False])
    assert stage.prepare() == "plan look check fetch"
    assert "close" not in stage.calls


def test_a_started_engine_and_each_download_are_followed_by_another_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage(monkeypatch, State.BUILD, script=True, downloads=[True, False])
    assert stage.prepare() == "plan look check start plan look check fetch plan look check fetch"
    assert stage.calls[-1] == "close"


def test_steps_without_scripts_start_no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Stage(monkeypatch, State.BUILD, script=False, downloads=[False]).prepare() == "plan look check fetch"


def test_the_engine_is_closed_when_a_download_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage(monkeypatch, State.BUILD, script=True, downloads=[])
    with pytest.raises(IndexError):
        stage.prepare()
    assert stage.calls[-1] == "close"
