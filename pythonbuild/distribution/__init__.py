"""Makes a distribution from the artifacts of CPython and its libraries: a relocatable tree, licenses, PYTHON.json, SBOM."""
