"""Where build scripts run.  An engine makes build roots; each takes input trees, runs a script, and returns a tree."""
