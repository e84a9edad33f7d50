"""Output formats: each module makes one family of files, and is registered in choose.py."""
