"""pythonbuild builds CPython and the libraries it links from pinned sources.

A build passes through these packages:

    flags -> catalog, host -> request -> plan -> sources, store -> engines, run -> distribution -> packaging

``validation`` checks finished archives, and ``release`` publishes them.  ``driver`` is the application: it takes a build through
these packages, and prints nothing.  ``cli`` has the verbs and prints results and errors; ``ui`` displays events.  The graph in
tests/unit/test_layers.py lists which package may import which.  ``bootstrap``, ``flags``, ``home`` and ``host.doctor`` use the
standard library only, because they run before anything is installed.
"""

__version__ = "0.1.0"
