"""Packs distributions into archives.  Equal trees give equal bytes."""
