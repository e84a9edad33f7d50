"""Turns builds into one graph of steps, each with a key of its effective inputs.  Pure: no disk, no network, no clock."""
