"""``python3 tests/run.py prove``: proves subjects, or lists how they stand."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Optional

from tests.ledger.history import History, check_repository, git
from tests.ledger.proofs import ProofError
from tests.ledger.prove import Budget, Prover, changed_files, chosen, differing_in_store, estimate
from tests.ledger.states import Ledger, State, Status
from tests.ledger.subjects import Subject, SubjectError
from tests.ledger.table import write_tables

_PROVABLE = (State.STALE, State.FAILED, State.NEVER)


def main(words: Sequence[str]) -> int:
    """Run the command; returns 0 if everything requested is proven, 1 if not, 2 for a bad request."""
    parser = _parser()
    flags = parser.parse_args(words)
    _refuse_combinations(parser, flags)
    try:
        ledger = Ledger()
        if flags.table:
            return _say_changed(write_tables(ledger))
        selected = _selected(ledger, flags)
        _refuse_strangers(ledger)
        statuses = [ledger.status(subject) for subject in selected]
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
        "--again", type=_count, metavar="N", help="repeat N current subjects, chosen by the commit's hash"
    )
    parser.add_argument(
        "--budget",
        type=_minutes,
        metavar="MINUTES",
        help="start nothing that cannot finish within MINUTES; list what is left, and exit with 1",
    )
    parser.add_argument("--table", action="store_true", help="write the tables of what is supported, from the proofs")
    return parser


def _refuse_combinations(parser: argparse.ArgumentParser, flags: argparse.Namespace) -> None:
    """Exit with a message if two flags contradict each other, or one would mean nothing."""
    actions = [name for name in ("list", "table", "again") if getattr(flags, name)]
    choices = [name for name in ("stale", "missing") if getattr(flags, name)]
    choices += ["budget"] if flags.budget is not None else []
    if len(actions) > 1:
        parser.error(f"--{actions[0]} and --{actions[1]} cannot be combined")
    if actions and choices:
        parser.error(f"--{choices[0]} has no effect with --{actions[0]}; drop one of them")
    if flags.table and (flags.patterns or flags.rank):
        parser.error("--table writes whole tables: drop the patterns and --rank")


def _count(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of subjects, 1 or more")
    return number


def _minutes(text: str) -> float:
    try:
        minutes = float(text)
    except ValueError:
        minutes = -1.0
    if not 0 <= minutes < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of minutes, 0 or more")
    return minutes


def _selected(ledger: Ledger, flags: argparse.Namespace) -> list[Subject]:
    """Return the subjects that the patterns and the rank select.  Raises SubjectError if a pattern matches none."""
    rank: Optional[str] = flags.rank
    patterns: list[str] = flags.patterns
    subjects = [subject for subject in ledger.subjects if rank in (None, subject.rank)]
    for pattern in patterns:
        if not pattern or not any(_fits(subject, pattern) for subject in ledger.subjects):
            raise SubjectError(f"no subject matches {pattern!r}; `prove --list` shows all subjects")
        if not any(_fits(subject, pattern) for subject in subjects):
            raise SubjectError(f"no subject of rank {rank} matches {pattern!r}; drop --rank, or `prove --list`")
    return [subject for subject in subjects if not patterns or any(_fits(subject, text) for text in patterns)]


def _refuse_strangers(ledger: Ledger) -> None:
    """Raise SubjectError for a file in proofs/ that belongs to no subject."""
    for path in ledger.strangers():
        if path.name.startswith("."):
            raise SubjectError(f"proofs/{path.name} was left by a run that was killed: delete it")
        raise SubjectError(f"proofs/{path.name} belongs to no subject: delete it, or add its subject to subjects.yml")


def _fits(subject: Subject, pattern: str) -> bool:
    return pattern in subject.name or fnmatchcase(subject.name, pattern)


def _list(ledger: Ledger, statuses: list[Status]) -> int:
    """Print a row for each check of each subject."""
    history = History(ledger, statuses)
    width = max((len(status.subject.name) for status in statuses), default=0)
    column = max((len(name) for status in statuses for name in status.checks), default=0)
    for status in statuses:
        title, above = status.subject.name, ""
        for name, state in status.checks.items():
            told = _told(history, status, name, state)
            shown = f"{state.value}, as above" if status.moved and told == above else told
            sys.stdout.write(f"{title:<{width}}  {name:<{column}}  {shown}".rstrip() + "\n")
            title, above = "", told
    counts = {state: sum(status.state is state for status in statuses) for state in State}
    noun = "subject" if len(statuses) == 1 else "subjects"
    sys.stdout.write(
        f"{len(statuses)} {noun}: {', '.join(f'{count} {state.value}' for state, count in counts.items())}\n"
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
    check_repository()
    dirty = list(changed_files())
    if dirty:
        raise SubjectError(f"commit {', '.join(dirty[:5])} first: a proof records the commit that it was made from")
    if not os.access(ledger.folder, os.W_OK):
        raise SubjectError("proofs/ is read-only, and proofs are written there: make it writable")
    prover = Prover(ledger, git("rev-parse", "HEAD"))
    if flags.again:
        return _repeat(prover, statuses, flags.again)
    _tell_unprovable(statuses, bool(flags.patterns))
    sound = _tell_current(ledger, statuses)
    wanted = {State.STALE, State.FAILED} if flags.stale else set()
    wanted |= {State.NEVER} if flags.missing else set()
    wanted = wanted or set(_PROVABLE)
    todo = [status for status in statuses if wanted & set(status.checks.values())]
    left_out = [status for status in statuses if status not in todo and set(_PROVABLE) & set(status.checks.values())]
    if left_out:
        sys.stdout.write(f"{len(left_out)} more are not current; --stale or --missing leaves them out\n")
    budget = Budget(flags.budget * 60 if flags.budget is not None else float("inf"))
    return _prove_all(ledger, prover, todo, budget) or (0 if sound else 1)


def _repeat(prover: Prover, statuses: list[Status], count: int) -> int:
    """Repeat the proofs of `count` subjects."""
    repeated = chosen(statuses, prover.commit, count)
    if len(repeated) < count:
        raise SubjectError(
            f"only {len(repeated)} of the selected subjects can be repeated: they must be current; "
            "packages and builds with pgo never give the same bytes twice"
        )
    results = [prover.repeat(status) for status in repeated]
    return 0 if all(results) else 1


def _prove_all(ledger: Ledger, prover: Prover, todo: list[Status], budget: Budget) -> int:
    """Prove subjects within the budget, and list those that are left."""
    left: list[Status] = []
    good = True
    write_tables(ledger)
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
            "Run this command, then commit proofs/, README.md and docs/supported.md:\n"
            f"  python3 tests/run.py prove {names}\n"
        )
    return 0 if good and not left else 1


def _tell_unprovable(statuses: list[Status], asked: bool) -> None:
    """Name subjects that cannot be proven.  Raises SubjectError if patterns ask for such subjects alone."""
    found = [status for status in statuses if status.state is State.UNPROVABLE] if asked else []
    if found and len(found) == len(statuses):
        raise SubjectError(f"{found[0].subject.name} cannot be proven: {found[0].problem}")
    for status in found:
        sys.stdout.write(f"left out: {status.subject.name}: {status.problem}\n")


def _tell_current(ledger: Ledger, statuses: list[Status]) -> bool:
    """Name the subjects that are current; returns False if the store has other bytes than a proof for the same key."""
    sound = True
    for status in statuses:
        if status.state is State.CURRENT and status.proof:
            differing = differing_in_store(ledger, status)
            if differing:
                sound = False
                sys.stdout.write(
                    f"FAILED  {status.subject.name}: a build at the same key gave other bytes than its proof "
                    f"of {status.proof.commit[:10]}: {', '.join(differing)}\n"
                )
                continue
            shown = f"proved at {status.proof.commit[:10]} on {status.proof.date}, key unchanged"
            sys.stdout.write(f"{status.subject.name}: {shown}\n")
    sys.stdout.flush()
    return sound


def _say_changed(names: Sequence[str]) -> int:
    sys.stdout.write("".join(f"wrote {name}\n" for name in names) or "the tables are up to date\n")
    return 0


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # `prove --list | head` ends quietly
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)  # finished proofs are written already
