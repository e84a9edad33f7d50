"""The Python steps of a plan, by the names the planner gives them: where stages 7 and 8 meet the runner."""

from __future__ import annotations

from collections.abc import Mapping

from pythonbuild.distribution.assemble import assemble
from pythonbuild.packaging.archives import full_archive, install_only_archive
from pythonbuild.run.execute import Handler, HandlerCall

__all__ = ["ARCHIVE_FILES", "handlers"]

# Archive kind -> the name of the file inside the step's tree.
ARCHIVE_FILES = {"full": "full.tar.zst", "install_only": "install_only.tar.gz"}


def handlers(jobs: int) -> Mapping[str, Handler]:
    """Return the handlers; `jobs`: how many threads a compressor may use."""

    def distribution(call: HandlerCall) -> None:
        (cpython,) = [found.tree for found in call.inputs if found.role == "cpython"]
        libraries = {found.step: found.tree for found in call.inputs if found.role == "library"}
        assemble(dict(call.parameters), cpython, libraries, call.output, call.say)

    def archive(call: HandlerCall) -> None:
        (tree,) = [found.tree for found in call.inputs]
        kind = call.parameters["kind"]
        target = call.output / ARCHIVE_FILES[kind]
        if kind == "full":
            full_archive(tree, target, threads=jobs)
        else:
            install_only_archive(tree, target)
        call.say(f"{target.name}: {target.stat().st_size} bytes")

    return {"distribution": distribution, "archive": archive}
