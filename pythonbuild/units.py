"""Numbers, sizes and durations as text."""

from __future__ import annotations

__all__ = ["counted", "seconds", "size"]


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, such as "1 step" or "2 steps"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def size(value: float) -> str:
    """Return a number of bytes as text, such as "512 B" or "3.2 MB".  Units are powers of 1000."""
    for unit in ("B", "kB", "MB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} GB"


def seconds(value: float) -> str:
    """Return a duration as text, such as "0.4 s", "12 s" or "3:05"."""
    if value < 10:
        return f"{value:.1f} s"
    if value < 60:
        return f"{value:.0f} s"
    return f"{int(value) // 60}:{int(value) % 60:02d}"
