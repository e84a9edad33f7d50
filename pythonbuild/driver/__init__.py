"""The application: from the flags of a command to a finished build.  It prints nothing; an observer is told what happens."""
