"""Reading executables, libraries and object files, for those who describe, strip or judge them."""
