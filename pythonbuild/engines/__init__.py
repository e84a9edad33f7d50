"""Where build scripts run.  An engine makes build roots; each takes trees in, runs a script, gives a tree out."""
