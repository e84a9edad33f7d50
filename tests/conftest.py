"""What all groups of tests share."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--engine",
        choices=["auto", "host", "docker"],
        default="auto",
        help="where the Pythons that are tested are built (default: auto: docker if a daemon answers)",
    )
