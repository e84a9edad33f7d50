"""The catalog: targets, CPython releases, toolchains and recipes, read from YAML into typed values."""
