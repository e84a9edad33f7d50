"""MSBuild projects, which CPython is built by on Windows."""
