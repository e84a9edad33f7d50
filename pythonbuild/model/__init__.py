"""Targets, Python versions, build options and archive names: text is parsed to values, and values print as text."""
