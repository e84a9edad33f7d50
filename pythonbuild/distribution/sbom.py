"""The software bill of materials of a distribution: CycloneDX 1.6, made with the reference library, reproducible."""

from __future__ import annotations

import hashlib
import uuid
import zipfile
from email.parser import HeaderParser
from pathlib import Path

from cyclonedx.factory.license import LicenseFactory
from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, XsUri
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from pythonbuild.model.python_step import Part

__all__ = ["bill_of_materials", "bundled_wheels"]


def bundled_wheels(install: Path) -> tuple[Part, ...]:
    """Return the wheels that CPython bundles for ensurepip, such as pip, as parts."""
    places = ("lib/python3*/ensurepip/_bundled/*.whl", "Lib/ensurepip/_bundled/*.whl")
    return tuple(_wheel(path) for pattern in places for path in sorted(install.glob(pattern)))


def _wheel(path: Path) -> Part:
    name, version = path.name.split("-")[:2]
    with zipfile.ZipFile(path) as wheel:
        said = HeaderParser().parsestr(wheel.read(f"{name}-{version}.dist-info/METADATA").decode())
    return Part(
        name=name,
        version=version,
        place=f"in CPython's own source, as {path.name}",
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        licenses=(said.get("License-Expression") or said.get("License") or "NOASSERTION",),
        kind="pypi",
    )


def bill_of_materials(python: str, triple: str, options: str, parts: tuple[Part, ...]) -> str:
    """Return the bill as CycloneDX JSON.

    python: CPython's version; options: of the build; parts: must contain CPython itself, with the name cpython, and each linked
    library.
    """
    whole = Component(
        name="cpython",
        version=python,
        type=ComponentType.PLATFORM,
        bom_ref=f"distribution:{python}:{triple}:{options}",
        description=f"CPython {python} for {triple}, built with {options}",
    )
    components = {part.name: _component(part) for part in parts}
    bom = Bom(components=components.values())
    bom.metadata.component = whole
    # By default, the library writes the current time and a random number, but equal parts must give an equal bill.
    bom.metadata.timestamp = None  # type: ignore[assignment]  # optional in the format, but not in the library's types
    bom.serial_number = uuid.uuid5(uuid.NAMESPACE_URL, repr((python, triple, options, parts)))
    bom.register_dependency(whole, components.values())
    return str(JsonV1Dot6(bom).output_as_string(indent=1)) + "\n"


def _component(part: Part) -> Component:
    licenses = LicenseFactory()
    url = part.place if part.place.startswith("https://") else ""
    where = {"download_url": url} if url else {}
    references = [ExternalReference(type=ExternalReferenceType.DISTRIBUTION, url=XsUri(url))] if url else []
    return Component(
        name=part.name,
        version=part.version,
        type=ComponentType.LIBRARY,
        bom_ref=f"{part.name}@{part.version}",
        description=f"source: {part.place}",
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=part.sha256)],
        licenses=[licenses.make_from_string(" AND ".join(part.licenses))],
        purl=PackageURL(part.kind, None, part.name, part.version, {**where, "checksum": f"sha256:{part.sha256}"}),
        external_references=references,
    )
