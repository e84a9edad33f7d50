"""What this machine has: compilers, SDKs, settings, and whatever a build needs and it lacks."""
