"""The scheduler's pure part, and first errors in logs."""

from __future__ import annotations

from pythonbuild.plan.step import Need, Plan, PythonAction, Step
from pythonbuild.run.failure import first_error
from pythonbuild.run.schedule import State, priorities, ready, states


def plan(**needs: str) -> Plan:
    """Make a plan of steps named by the keywords; each value names what it needs."""
    steps = {
        name: Step(
            name=name,
            label=name,
            target="",
            toolchain="",
            inputs={},
            key=name,
            action=PythonAction("none", None),
            needs=tuple(Need("deps", need) for need in text.split()),
        )
        for name, text in needs.items()
    }
    return Plan(steps, ())


DIAMOND = plan(a="", b="a", c="a", d="b c")


def test_everything_is_built_when_nothing_is_stored() -> None:
    assert set(states(DIAMOND, lambda _: (), ["d"]).values()) == {State.BUILD}


def test_needs_of_cached_steps_alone_are_not_needed() -> None:
    found = states(DIAMOND, lambda names: set("b") & set(names), ["d"])
    assert found == {"a": State.BUILD, "b": State.CACHED, "c": State.BUILD, "d": State.BUILD}
    found = states(DIAMOND, lambda names: set("bc") & set(names), ["d"])
    assert found["a"] is State.NOT_NEEDED
    assert states(DIAMOND, lambda names: set("d") & set(names), ["d"])["b"] is State.NOT_NEEDED


def test_the_longest_way_to_the_end_goes_first() -> None:
    order = priorities(DIAMOND, {"a": 1, "b": 10, "c": 2, "d": 5})
    assert order == {"a": 16, "b": 15, "c": 7, "d": 5}
    assert ready(DIAMOND, ["b", "c", "d"], ["a"], order) == ["b", "c"]


def test_the_first_error_is_found_past_configures_questions() -> None:
    log = [
        "checking for error: unknown... no",
        "conftest.c:3: error: no such thing",
        "gcc -c a.c",
        "a.c:41: error: unknown type name 'u64'",
        "a.c:42: error: another",
        "make: *** [Makefile:3: a.o] Error 1",
    ]
    line, context = first_error(log)
    assert line == "a.c:41: error: unknown type name 'u64'"
    assert "gcc -c a.c" in context


def test_the_error_before_make_failed_wins_over_errors_that_scripts_survive() -> None:
    log = [
        "../man/make_sed.sh: 64: paste: not found",
        "configuring",
        "ar -curvD lib.a a.o",
        "ar: `u' is not meaningful with the `D' option.",
        "make: *** [Makefile:3: lib.a] Error 1",
    ]
    assert first_error(log)[0] == "ar: `u' is not meaningful with the `D' option."
    assert first_error(log[:2])[0] == "../man/make_sed.sh: 64: paste: not found"


def test_without_an_error_line_the_end_of_the_log_is_shown() -> None:
    line, context = first_error([f"line {number}" for number in range(100)])
    assert line == ""
    assert context[-1] == "line 99"
