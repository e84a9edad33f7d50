"""The flags of every verb, as typed dataclasses: what to build, how to run it, and what to publish."""
