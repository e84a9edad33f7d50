"""``python3 tests/run.py prove``: proves subjects, or lists how they stand."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Optional

from tests.ledger.history import History, git
from tests.ledger.proofs import ProofError
from tests.ledger.prove import Budget, Prover, changed_files, chosen, estimate
from tests.ledger.states import Ledger, State, Status
from tests.ledger.subjects import Subject, SubjectError
from tests.ledger.table import write_tables

_PROVABLE = (State.STALE, State.FAILED, State.NEVER)


def main(words: Sequence[str]) -> int:
    """Run the command; returns 0 if everything requested is proven, 1 if not, 2 for a bad request."""
    flags = _parser().parse_args(words)
    try:
        ledger = Ledger()
        if flags.table:
            return _say_changed(write_tables(ledger))
        statuses = [ledger.status(subject) for subject in _selected(ledger, flags)]
        return _list(ledger, statuses) if flags.list else _prove(ledger, statuses, flags)
    except (ProofError, SubjectError) as error:
        sys.stderr.write(f"prove: {error}\n")
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tests/run.py prove",
        description="Build the subjects of proofs/subjects.yml, run their checks, and write the results to proofs/. "
        "Without --stale or --missing, prove all selected subjects that are not current.",
    )
    parser.add_argument(
        "patterns", nargs="*", metavar="PATTERN", help="subjects by name, or a part of it (default: all)"
    )
    parser.add_argument("--rank", choices=["landing", "release"], help="only subjects of this rank")
    parser.add_argument("--list", action="store_true", help="show how each check of each subject stands; prove nothing")
    parser.add_argument("--stale", action="store_true", help="prove subjects that are stale, or failed a check")
    parser.add_argument("--missing", action="store_true", help="prove subjects that were never proved")
    parser.add_argument(
        "--again", type=_count, default=0, metavar="N", help="repeat N current subjects, chosen by the commit's hash"
    )
    parser.add_argument(
        "--budget",
        type=_minutes,
        metavar="MINUTES",
        help="start nothing that cannot finish within MINUTES; list what is left, and exit with 1",
    )
    parser.add_argument("--table", action="store_true", help="write the tables of what is supported, from the proofs")
    return parser


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is less than 1")
    return number


def _minutes(text: str) -> float:
    minutes = float(text)
    if not 0 <= minutes < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not a number of minutes")
    return minutes


def _selected(ledger: Ledger, flags: argparse.Namespace) -> list[Subject]:
    """Return the subjects that the patterns and the rank select.  Raises SubjectError if a pattern matches none."""
    rank: Optional[str] = flags.rank
    patterns: list[str] = flags.patterns
    subjects = [subject for subject in ledger.subjects if rank in (None, subject.rank)]
    for pattern in patterns:
        if not pattern or not any(_fits(subject, pattern) for subject in subjects):
            raise SubjectError(f"no subject matches {pattern!r}; `prove --list` shows all subjects")
    return [subject for subject in subjects if not patterns or any(_fits(subject, text) for text in patterns)]


def _fits(subject: Subject, pattern: str) -> bool:
    return pattern in subject.name or fnmatchcase(subject.name, pattern)


def _list(ledger: Ledger, statuses: list[Status]) -> int:
    """Print a row for each check of each subject."""
    history = History(ledger, statuses)
    width = max(len(status.subject.name) for status in statuses)
    for status in statuses:
        for number, (name, state) in enumerate(status.checks.items()):
            title = status.subject.name if number == 0 else ""
            sys.stdout.write(f"{title:<{width}}  {name:<9} {_told(history, status, name, state)}".rstrip() + "\n")
    counts = {state: sum(status.state is state for status in statuses) for state in State}
    sys.stdout.write(
        f"{len(statuses)} subjects: {', '.join(f'{count} {state.value}' for state, count in counts.items())}\n"
    )
    return 0


def _told(history: History, status: Status, name: str, state: State) -> str:
    """Describe how a check stands."""
    if state is State.UNPROVABLE or status.problem:
        return f"{state.value}: {status.problem}"
    result = status.proof.checks.get(name) if status.proof else None
    if result is None:
        return str(state.value)
    shown = f"{result.date} at {result.commit[:10]}"
    if state is State.STALE:
        return f"stale {history.why(status, name)}; {result.result} {shown}"
    return f"{state.value}, {shown}" + (f": {', '.join(result.failed)}" if result.failed else "")


def _prove(ledger: Ledger, statuses: list[Status], flags: argparse.Namespace) -> int:
    dirty = list(changed_files())
    if dirty:
        raise SubjectError(f"commit {', '.join(dirty[:5])} first: a proof records the commit that it was made from")
    stranger = next(iter(ledger.strangers()), None)
    if stranger:
        raise SubjectError(
            f"proofs/{stranger.name} belongs to no subject: delete it, or add its subject to subjects.yml"
        )
    prover = Prover(ledger, git("rev-parse", "HEAD"))
    budget = Budget(flags.budget * 60 if flags.budget is not None else float("inf"))
    if flags.again:
        affordable = [status for status in statuses if budget.allows(estimate(ledger, status, anew=True))]
        repeated = chosen(affordable, prover.commit, flags.again)
        if len(repeated) < flags.again:
            sys.stdout.write(f"only {len(repeated)} of the selected subjects can be repeated within the budget\n")
            return 1
        results = [prover.repeat(status) for status in repeated]
        return 0 if all(results) else 1
    for status in statuses:
        if flags.patterns and status.state is State.UNPROVABLE:
            raise SubjectError(f"{status.subject.name} cannot be proven: {status.problem}")
    _tell_current(statuses)
    wanted = {State.STALE, State.FAILED} if flags.stale else set()
    wanted |= {State.NEVER} if flags.missing else set()
    todo = [status for status in statuses if any(state in (wanted or _PROVABLE) for state in status.checks.values())]
    return _prove_all(ledger, prover, todo, budget)


def _prove_all(ledger: Ledger, prover: Prover, todo: list[Status], budget: Budget) -> int:
    """Prove subjects within the budget, and list those that are left."""
    left: list[Status] = []
    good = True
    for status in todo:
        if not status.key:
            sys.stdout.write(f"FAILED  {status.subject.name}: {status.problem}\n")
            good = False
        elif budget.allows(estimate(ledger, status)):
            good &= prover.prove(status)
        else:
            left.append(status)
    write_tables(ledger)
    if left:
        minutes = sum(estimate(ledger, status) for status in left) / 60
        names = " ".join(status.subject.name for status in left)
        sys.stdout.write(
            f"Not current: {len(left)}. Proving takes about {minutes:.0f} minutes, which exceeds the budget.\n"
            f"Prove, and commit proofs/:\n  python3 tests/run.py prove {names}\n"
        )
    return 0 if good and not left else 1


def _tell_current(statuses: list[Status]) -> None:
    for status in statuses:
        if status.state is State.CURRENT and status.proof:
            shown = f"proved at {status.proof.commit[:10]} on {status.proof.date}, key unchanged"
            sys.stdout.write(f"{status.subject.name}: {shown}\n")
    sys.stdout.flush()


def _say_changed(names: Sequence[str]) -> int:
    sys.stdout.write("".join(f"wrote {name}\n" for name in names) or "the tables are up to date\n")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)  # finished proofs are written already
