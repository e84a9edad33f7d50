"""Observers that turn events into text: a live board, plain lines, JSON lines."""
