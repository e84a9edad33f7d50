"""pythonbuild builds CPython and all that it is linked with from pinned sources.

The way through, left to right, a package a stage; a package imports only those before it:

    model -> catalog -> request -> plan -> sources -> store -> engines -> run -> distribution -> packaging
    -> validation -> release

``errors``, ``events`` and ``binaries`` are leaves that all may import; ``cli`` and ``ui`` may import everything
and are imported by nothing.  ``bootstrap``, ``home`` and ``doctor`` use the standard library only.
"""

__version__ = "0.1.0"
