"""Two tables on disk: key -> record of a step's result, and digest -> tree.

Entries arrive by rename, so a killed build leaves a complete entry or none.  Builds hold a shared lock on the store while they run,
`prune` holds an exclusive one, and each step is locked while it is built.  Every process has its own folder for unfinished files, so
that a later process can remove what a killed one left.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO, Optional

from pythonbuild.errors import DamagedArtifact, PythonBuildError
from pythonbuild.locks import lock
from pythonbuild.store.record import Record, record_from, slug
from pythonbuild.store.shared import SharedStore
from pythonbuild.store.trees import TreeEntry, damage, digest_of, manifest_of, read_manifest, write_manifest
from pythonbuild.store.work import Work

__all__ = ["Store"]


class Store:
    """The store in a folder.  Many processes can use it at once.

    shared: the store of many machines behind it.  Its entries are downloaded when they are needed.
    """

    def __init__(self, folder: Path, shared: Optional[SharedStore] = None) -> None:
        self._folder = folder
        self.shared = shared
        for name in ("records", "trees", "latest", "locks", "tmp"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        self._work = Work(folder / "tmp", folder / "locks" / "work")
        # Digests of the trees whose bytes this process has verified.
        self._whole: set[str] = set()

    @property
    def work(self) -> Path:
        """This process's folder for unfinished files."""
        return self._work.path

    # Look-ups.

    def find(self, key: str) -> Optional[Record]:
        """Return the record of a key if it is here and its tree has the recorded sizes and times, else None."""
        record = self._read(self._record_path(key))
        if record is None or record.key != key:
            return None
        return record if self.check(record, thorough=False) == "" else None

    def bring(self, key: str, *, anew: bool = False) -> Optional[Record]:
        """Return the record of a key as `find` does.  If only the shared store has the result, download it first.

        anew: ask the shared store again, even if the result was missing a moment ago.
        """
        found = self.find(key)
        shipment = self.shared.find(key, anew=anew) if self.shared and not found else None
        if not self.shared or not shipment:
            return found
        tree = self.shared.bring(shipment, self.work)
        if tree is None:
            return None
        try:
            record = self._keep(shipment.record, tree, wanted=shipment.record.tree)
            self.shared.taken(shipment)
            return record
        except DamagedArtifact as error:
            self.shared.reject(shipment, error.message)
            return None
        finally:
            shutil.rmtree(tree.parent, ignore_errors=True)

    def share(self, record: Record, *, wait: bool = False) -> bool:
        """Upload a record and its tree to the shared store, if there is one.

        wait: until the upload is done, instead of uploading in the background.  Returns False if an upload failed while waiting.
        """
        if not self.shared:
            return True
        what = (record, self.tree(record), self.manifest(record), self.work)
        if wait:
            return self.shared.send_now(*what)
        self.shared.send(*what)
        return True

    def let_go(self) -> None:
        """Stop all requests to the shared store."""
        if self.shared:
            self.shared.close()

    def check(self, record: Record, *, thorough: bool) -> str:
        """Return the path of a damaged file in a record's tree, "" if there is none.

        thorough: hash every file, but only in the first call for a tree; later calls compare sizes and times.
        """
        folder = self._folder / "trees" / record.tree
        hashing = thorough and record.tree not in self._whole
        try:
            damaged = damage(folder / "tree", read_manifest(folder / "manifest.json"), thorough=hashing)
        except DamagedArtifact as error:
            return error.message
        if hashing and not damaged:
            self._whole.add(record.tree)
        return damaged

    def latest(self, identity: str) -> Optional[Record]:
        """Return the latest record of a step's identity, for any key; None if it was never built."""
        return self._read(self._folder / "latest" / f"{slug(identity)}.json")

    def tree(self, record: Record) -> Path:
        """Return the folder of a record's tree, which must not be changed."""
        return self._folder / "trees" / record.tree / "tree"

    def manifest(self, record: Record) -> tuple[TreeEntry, ...]:
        """Return the entries of a record's tree."""
        return read_manifest(self._folder / "trees" / record.tree / "manifest.json")

    def records(self) -> list[Record]:
        """Return all records, oldest first."""
        found = (self._read(path) for path in (self._folder / "records").glob("*.json"))
        return sorted((record for record in found if record), key=lambda record: record.finished)

    # Changes.

    def put(self, record: Record, tree: Path) -> Record:
        """Move `tree`, on the same disk, into the store under the record's key.  Return the record with the tree's digest."""
        return self._keep(record, tree)

    def _keep(self, record: Record, tree: Path, wanted: str = "") -> Record:
        """Move a tree into the store.  Raises DamagedArtifact if its digest is not `wanted`, unless that is ""."""
        for path in tree.rglob("*"):
            if path.is_file() and not path.is_symlink():
                path.chmod(0o555 if path.stat().st_mode & 0o111 else 0o444)
        manifest = manifest_of(tree)
        digest = digest_of(manifest)
        if wanted and digest != wanted:
            raise DamagedArtifact("its tree does not match its record")
        staging = Path(tempfile.mkdtemp(dir=self.work, prefix="put-"))
        os.rename(tree, staging / "tree")
        write_manifest(manifest, staging / "manifest.json")
        home = self._folder / "trees" / digest
        try:
            os.rename(staging, home)
        except OSError:
            # The same content exists, from another key or another build.  Keep it unless it is damaged.
            if damage(home / "tree", read_manifest(home / "manifest.json"), thorough=True) == "":
                shutil.rmtree(staging)
            else:
                os.rename(home, Path(tempfile.mkdtemp(dir=self.work)) / "damaged")
                os.rename(staging, home)
        kept = replace(record, tree=digest, finished=time.time())
        self._write(self._record_path(record.key), kept)
        self._write(self._folder / "latest" / f"{slug(record.identity)}.json", kept)
        return kept

    def drop(self, record: Record) -> None:
        """Delete a record and its tree."""
        self._record_path(record.key).unlink(missing_ok=True)
        trees = self._folder / "trees" / record.tree
        if trees.exists():
            doomed = Path(tempfile.mkdtemp(dir=self.work, prefix="drop-"))
            os.rename(trees, doomed / "tree")
            shutil.rmtree(doomed, ignore_errors=True)

    def older(self, days: float) -> list[Record]:
        """Return the records of results older than `days`."""
        return [record for record in self.records() if time.time() - record.finished > days * 86400]

    def prune(self, keep_days: float) -> tuple[int, int]:
        """Delete results older than `keep_days` and trees without a record.  Return the numbers of deleted results and freed bytes.

        Raises PythonBuildError if a build is using the store.
        """
        with open(self._folder / "locks" / "store", "w") as users:
            if not lock(users, wait=False):
                raise PythonBuildError("a build is using the store", "wait until it ends, then prune again")
            old = self.older(keep_days)
            for record in old:
                self._record_path(record.key).unlink(missing_ok=True)
            orphans = [*self._orphans(), *self._work.take_dead(alone=True)]
            freed = sum(_size(path) for path in orphans)
            for path in orphans:
                shutil.rmtree(path, ignore_errors=True)
            return len(old), freed

    def _orphans(self) -> list[Path]:
        """Return the trees without a record.  A running build may just have added one of them."""
        named = {record.tree for record in self.records()}
        return [path for path in (self._folder / "trees").iterdir() if path.name not in named]

    def any_dead(self) -> bool:
        """Return whether a killed process left files here."""
        return self._work.any_dead()

    def take_leftovers(self, alone: bool) -> list[Path]:
        """Move what killed processes left into this process's folder, and return the new paths.

        alone: `try_alone` has given the exclusive lock, so trees without a record are moved as well.
        """
        orphans = self._orphans() if alone else []
        return [*self._work.take_dead(alone), *(self._work.take(path) for path in orphans)]

    def size(self) -> tuple[int, int]:
        """Return the number of records, and the size of all trees in bytes."""
        return len(self.records()), _size(self._folder / "trees")

    # Locks.

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Hold the store's shared lock, so that nothing is pruned."""
        with open(self._folder / "locks" / "store", "w") as users:
            lock(users, shared=True)
            yield

    @contextmanager
    def try_alone(self) -> Iterator[bool]:
        """Hold the store's exclusive lock if no other process uses the store.  Gives whether it is held."""
        with open(self._folder / "locks" / "store", "w") as users:
            yield lock(users, wait=False)

    def try_claim(self, key: str) -> Optional[IO[str]]:
        """Claim the right to build a key.  Return a file that releases the claim when it is closed, None if another process has it."""
        claim = open(self._folder / "locks" / key, "w")  # noqa: SIM115  (open while the claim is held)
        if lock(claim, wait=False):
            return claim
        claim.close()
        return None

    # Files.

    def _record_path(self, key: str) -> Path:
        return self._folder / "records" / f"{key}.json"

    def _read(self, path: Path) -> Optional[Record]:
        try:
            return record_from(path.read_text())
        except (OSError, ValueError):
            return None

    def _write(self, path: Path, record: Record) -> None:
        handle, name = tempfile.mkstemp(dir=self.work)
        with os.fdopen(handle, "w") as file:
            file.write(record.json())
        os.replace(name, path)


def _size(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_dir() or path.is_symlink())
