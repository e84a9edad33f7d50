"""Readers of executables, libraries, object files and archives, for the code that describes, strips or validates them."""
