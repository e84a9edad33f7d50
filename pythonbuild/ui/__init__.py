"""Displays of events: a live board, plain lines, JSON lines, and lines for GitHub Actions."""
