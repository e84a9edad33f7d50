"""The command line: verbs, flags, printed text, and the conversion of errors to messages and exit statuses."""
