"""The command line: verbs, their flags, and the place where errors become text and exit status."""
