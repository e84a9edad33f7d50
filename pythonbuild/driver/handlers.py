"""The steps of archives that run Python functions, by the names that the planner uses.

Each function imports its stage when it runs.  Those imports take longer than making a plan.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping

from pythonbuild.run.execute import Handler, HandlerCall

__all__ = ["handlers"]


def handlers(jobs: int) -> Mapping[str, Handler]:
    """Return the handlers.  jobs: the number of threads that a compressor may use."""

    def distribution(call: HandlerCall) -> None:
        from pythonbuild.distribution.assemble import assemble

        (cpython,) = [found.tree for found in call.inputs if found.role == "cpython"]
        libraries = {found.step: found.tree for found in call.inputs if found.role == "library"}
        host_python = next((found.tree for found in call.inputs if found.role == "host-python"), None)
        assemble(dict(call.parameters), cpython, libraries, call.output, call.say, host_python)

    def strip(call: HandlerCall) -> None:
        from pythonbuild.packaging.strip import strip_installation

        trees = {found.role: found.tree for found in call.inputs}
        objcopy = trees["toolchain"] / call.parameters["objcopy"]
        install = trees["distribution"] / "python" / "install"
        strip_installation(install, call.output / "install", call.output / "symbols", objcopy, jobs, call.say)

    def archive(call: HandlerCall) -> None:
        from pythonbuild.distribution.assemble import SBOM_NAME
        from pythonbuild.packaging.archives import Compression, full_archive, install_only_archive, symbols_archive

        (content,) = call.inputs
        tree = content.tree
        flavour, suffix = call.parameters["flavour"], call.parameters["suffix"]
        how = Compression(suffix, hard=call.parameters["compression"] == "hard", threads=jobs)
        target = call.output / f"{flavour}{suffix}"
        if flavour == "full":
            full_archive(tree, target, how)
        elif flavour == "sbom":
            shutil.copyfile(tree / "python" / "build" / SBOM_NAME, target)
        elif flavour == "debug_symbols":
            symbols_archive(tree / "symbols", target, how)
        else:
            install_only_archive(tree / ("install" if content.role == "stripped" else "python/install"), target, how)
        call.say(f"{target.name}: {target.stat().st_size} bytes")

    return {"distribution": distribution, "strip": strip, "archive": archive}
