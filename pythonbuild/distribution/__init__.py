"""From the artifacts of CPython and its libraries to a distribution: a relocatable tree, licences, PYTHON.json."""
