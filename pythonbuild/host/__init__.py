"""This machine: its compilers, SDKs and settings, and the programs that a build needs and it lacks."""
