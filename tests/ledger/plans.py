"""The plan of a subject, the same on every machine, and its step keys.

Run as a program inside an older checkout, it prints that checkout's step inputs, so that two commits can be compared.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import msgspec

from pythonbuild.catalog.load import Catalog, load_catalog
from pythonbuild.catalog.schema import Image, Origin
from pythonbuild.driver.handlers import ARCHIVE_STEPS, inputs_of
from pythonbuild.errors import PythonBuildError
from pythonbuild.home import checkout
from pythonbuild.host.toolchains import Llvm
from pythonbuild.model.target import System
from pythonbuild.plan.debian import plan_debian
from pythonbuild.plan.facts import PlanningFacts
from pythonbuild.plan.planner import make_plan
from pythonbuild.plan.step import Plan, key_of
from pythonbuild.request.build import BuildRequest, resolve
from pythonbuild.request.debian import DebianRequest, image_for, resolve_debian
from tests.ledger.proofs import Given
from tests.ledger.subjects import Subject

__all__ = ["MAINTAINER", "catalog_here", "debian_image", "plan_of", "subject_key"]

# Proofs are made on machines with this CPU, and hold for them.
_MACHINE = "x86_64"
MAINTAINER = "Ada Lovelace <ada@example.org>"


def catalog_here() -> Catalog:
    """Return the catalog of this checkout."""
    return load_catalog(checkout() / "cpython-unix")


def plan_of(subject: Subject, catalog: Catalog, given: Given) -> Plan:
    """Return a subject's plan.  It depends on the checkout and `given` alone, not on this machine's programs and caches.

    Raises PythonBuildError if the checkout cannot build it.
    """
    llvm = _llvm(catalog.images["build"]) if subject.engine == "docker" else None
    facts = PlanningFacts(
        machine=_MACHINE,
        llvm=llvm,
        choose_origin=lambda origins: _chosen(origins, given),
        handlers=inputs_of(ARCHIVE_STEPS),
        packages=given.packages,
    )
    if subject.packages:
        builds = resolve_debian(_debian_request(subject), catalog)
        return plan_debian(builds, catalog, facts, subject.engine)
    request = BuildRequest(
        targets=(subject.target,),
        pythons=(f"cpython-{subject.python}",),
        options=(subject.options,),
        machine=_MACHINE,
        engine=subject.engine,
        llvm=llvm,
    )
    return make_plan(resolve(request, catalog), catalog, facts)


def subject_key(plan: Plan) -> str:
    """Return a digest (SHA-256, hexadecimal) of the keys of the steps that make the plan's files."""
    return key_of({output.step: plan.steps[output.step].key for output in plan.outputs})


def debian_image(subject: Subject, catalog: Catalog) -> str:
    """Return the name of the image that a subject's Debian packages are built in."""
    return image_for(resolve_debian(_debian_request(subject), catalog)[0], catalog).name


def _llvm(image: Image) -> Llvm:
    return Llvm(programs=Path(image.llvm), version=f"{image.llvm_package} {image.packages[image.llvm_package]}")


def _chosen(origins: tuple[Origin, ...], given: Given) -> int:
    used = set(given.sources.values())
    return next((index for index, origin in enumerate(origins) if origin.sha256 in used), 0)


def _debian_request(subject: Subject) -> DebianRequest:
    distro, *flags = subject.packages.split()
    return DebianRequest(
        targets=(subject.target,),
        pythons=(f"cpython-{subject.python}",),
        machine=_MACHINE,
        system=System("", ""),
        distro=distro,
        fast=True if "--fast" in flags else None,
        freethreaded=False if "--no-freethreaded" in flags else None,
        maintainer=MAINTAINER,
    )


def main() -> int:
    """Read [[subject, given], ...] as JSON, and print {subject's name: {"key": key, "steps": {step: inputs}}}."""
    asked = msgspec.json.decode(sys.stdin.buffer.read(), type=list[tuple[Subject, Given]])
    catalog = catalog_here()
    answer = {}
    for subject, given in asked:
        try:
            plan = plan_of(subject, catalog, given)
        except PythonBuildError:
            continue  # this checkout cannot build it
        answer[subject.name] = {"key": subject_key(plan), "steps": {step.name: dict(step.inputs) for step in plan}}
    json.dump(answer, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
