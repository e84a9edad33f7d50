"""Explains why a proof is stale: what changed since the commit that made it, and in which commit."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from pythonbuild.cli.explain import changes
from pythonbuild.home import checkout
from tests.ledger.checks import places_of
from tests.ledger.plans import plan_of
from tests.ledger.proofs import Proof
from tests.ledger.states import Ledger, Status
from tests.ledger.subjects import SubjectError

__all__ = ["History", "check_repository", "git"]

# The files that decide a plan.
_PLANNED = ("pythonbuild", "cpython-unix", "cpython-windows", "docker", "tests/ledger", "tests/__init__.py")
# Where the catalog keeps the data that a check reads.
_DATA = {
    "target": "cpython-unix/targets.yml",
    "modules": "cpython-unix/modules.yml",
    "failures": "cpython-unix/expected-failures.yml",
}
_MOST_SHOWN = 3


def git(*words: str) -> str:
    """Return what git prints about this checkout, without the last line break.  Raises SubjectError if it fails."""
    done = _git(*words)
    if done.returncode:
        raise SubjectError(f"git failed, and a proof names a commit: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout.decode(errors="surrogateescape").rstrip("\n")


def _git(*words: str) -> subprocess.CompletedProcess[bytes]:
    variables = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        return subprocess.run(["git", "-C", str(checkout()), *words], env=variables, capture_output=True)
    except FileNotFoundError:
        raise SubjectError("git is missing, and a proof names a commit: apt-get install git") from None


def check_repository() -> None:
    """Raise SubjectError if the checkout is not the work tree of a git repository of its own."""
    top = Path(git("rev-parse", "--show-toplevel"))
    if top.resolve() != checkout().resolve():
        raise SubjectError(f"the checkout is inside another git repository, {top}: clone the project")


def known(commit: str) -> bool:
    """Does this clone have the commit?  A shallow clone may lack it, as may one with rewritten history."""
    return _git("cat-file", "-e", f"{commit}^{{commit}}").returncode == 0


class History:
    """The plans of earlier commits, each computed once for all subjects that have a proof."""

    def __init__(self, ledger: Ledger, statuses: Sequence[Status]) -> None:
        self._ledger = ledger
        self._asked = [(status.subject, status.proof.given) for status in statuses if status.proof]
        self._plans: dict[str, dict[str, Any]] = {}

    def why(self, status: Status, check: str) -> str:
        """Return the commit that made a check stale, and what it changed, e.g. "since 1a2b3c4d5e (openssl: script)"."""
        assert status.proof is not None
        if status.moved:
            return self._moved(status.proof, status)
        result = status.proof.checks[check]
        if not known(result.commit):
            return f"since {result.commit[:10]}, which this clone does not have"
        checking = self._ledger.check(check)
        data = ["proofs/checks.yml", "requirements-dev.txt", *(_DATA[kind] for kind in checking.reads)]
        for paths in (places_of(checking, checkout()), data):
            differing = _differing(result.commit, paths)
            if differing:
                return f"since {_since(result.commit, differing)} ({_listed(differing)})"
        return f"after {result.commit[:10]} (other data in the catalog)"

    def _moved(self, proof: Proof, status: Status) -> str:
        """Explain a changed key: compare the steps of the proof's commit with today's."""
        old = self._planned(proof.commit).get(proof.subject)
        if old is None:
            return f"after {proof.commit[:10]} (this clone lacks that commit, or cannot plan it)"
        plan = plan_of(status.subject, self._ledger.catalog, proof.given)
        texts = [f"{name}: gone" for name in old["steps"] if name not in plan.steps]
        for step in plan:
            needed = {f"{need.role} {need.step.split('@')[0]}" for need in step.needs}
            before = old["steps"].get(step.name)
            differing = changes(before, step.inputs) if before is not None else []
            own = [what for what, _, _ in differing if what not in needed]
            if own or before is None:
                texts.append(f"{step.name}: {_listed(own) or 'new'}")
        return f"since {self._since(proof)} ({_listed(texts, '; ')})"

    def _since(self, proof: Proof) -> str:
        """Bisect for the first commit after the proof's whose plan has another key."""
        commits = git("rev-list", "--reverse", f"{proof.commit}..HEAD", "--", *_PLANNED).splitlines()
        low, high = 0, len(commits)
        while low < high:
            middle = (low + high) // 2
            found = self._planned(commits[middle]).get(proof.subject)
            if found is None or found["key"] != proof.key:
                high = middle
            else:
                low = middle + 1
        return commits[low][:10] if low < len(commits) else "uncommitted changes"

    def _planned(self, commit: str) -> dict[str, Any]:
        """Return the key and step inputs of each subject at a commit, without subjects that the commit cannot plan."""
        if commit not in self._plans:
            self._plans[commit] = _plans_at(commit, msgspec.json.encode(self._asked))
        return self._plans[commit]


def _plans_at(commit: str, asked: bytes) -> dict[str, Any]:
    archive = _git("archive", commit, *_PLANNED)
    if archive.returncode:
        return {}
    with tempfile.TemporaryDirectory(prefix="ledger-") as folder:
        subprocess.run(["tar", "-x", "-C", folder], input=archive.stdout, check=True)
        command = [sys.executable, "-m", "tests.ledger.plans"]
        variables = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        done = subprocess.run(command, cwd=folder, env=variables, input=asked, capture_output=True)
    answer: dict[str, Any] = msgspec.json.decode(done.stdout) if done.returncode == 0 else {}
    return answer


def _differing(commit: str, paths: Sequence[str]) -> list[str]:
    """Return the files below paths that differ between a commit and the checkout, those that git does not know included."""
    changed = git("diff", "--name-only", commit, "--", *paths).splitlines()
    new = git("ls-files", "--others", "--exclude-standard", "--", *paths).splitlines()
    return sorted({*changed, *new})


def _since(commit: str, paths: Sequence[str]) -> str:
    """Return the first commit after the last one at which these files were as in `commit`."""
    since = "uncommitted changes"
    for later in git("log", "--first-parent", "--format=%H", f"{commit}..HEAD", "--", *paths).splitlines():
        if not _git("diff", "--quiet", commit, later, "--", *paths).returncode:
            break
        since = later[:10]
    return since


def _listed(names: list[str], separator: str = ", ") -> str:
    more = len(names) - _MOST_SHOWN
    return separator.join(names[:_MOST_SHOWN]) + (f" and {more} more" if more > 0 else "")
