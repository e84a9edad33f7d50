"""pythonbuild builds CPython and all that it is linked with from pinned sources.

The way of a build through the packages:

    flags -> catalog, host -> request -> plan -> sources, store -> engines, run -> distribution -> packaging

``validation`` checks finished archives, and ``release`` publishes them.  ``driver`` is the application: it leads a build along
that way, and prints nothing.  ``cli`` has the verbs and all words that a person reads; ``ui`` shows events.  Which package may
import which is a graph in tests/unit/test_layers.py.  ``bootstrap``, ``flags``, ``home`` and ``host.doctor`` use the standard
library only, because they run before anything is installed.
"""

__version__ = "0.1.0"
