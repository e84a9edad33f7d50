"""The cache folder, also for users without a home folder, such as the user of a container."""

from __future__ import annotations

import pwd
from pathlib import Path

import pytest

from pythonbuild.errors import BadRequest, MissingPrerequisite
from pythonbuild.home import expanded, home
from pythonbuild.host.settings import read_settings


@pytest.fixture
def homeless(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make this process a user without HOME and without a line in /etc/passwd."""

    def unlisted(_: int) -> pwd.struct_passwd:
        raise KeyError("uid not found")

    monkeypatch.setattr(pwd, "getpwuid", unlisted)
    for name in ("HOME", "PYTHONBUILD_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.usefixtures("homeless")
def test_without_a_home_folder_the_error_names_the_variables() -> None:
    with pytest.raises(MissingPrerequisite) as caught:
        home()
    assert caught.value.report() == (
        "~/.cache: the home folder that ~ stands for is unknown\n"
        "  set HOME, or write the path without ~; PYTHONBUILD_HOME sets the folder of the cache"
    )


@pytest.mark.usefixtures("homeless")
@pytest.mark.parametrize(
    ("name", "expected"), [("PYTHONBUILD_HOME", "/somewhere"), ("XDG_CACHE_HOME", "/somewhere/pythonbuild")]
)
def test_a_user_without_a_home_can_name_a_folder(monkeypatch: pytest.MonkeyPatch, name: str, expected: str) -> None:
    monkeypatch.setenv(name, "/somewhere")
    assert home() == Path(expected)


@pytest.mark.usefixtures("homeless")
def test_a_user_without_a_home_has_the_settings_of_the_named_folder_only(tmp_path: Path) -> None:
    assert read_settings({}, lambda _: None) == {}
    (tmp_path / "pythonbuild").mkdir()
    (tmp_path / "pythonbuild/env").write_text("SCCACHE_BUCKET=ours\n")
    assert read_settings({"XDG_CONFIG_HOME": str(tmp_path)}, lambda _: None) == {"SCCACHE_BUCKET": "ours"}


def test_a_relative_cache_folder_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONBUILD_HOME", "cache")
    with pytest.raises(BadRequest, match="PYTHONBUILD_HOME=cache depends on the current folder"):
        home()


def test_the_home_of_an_unknown_user_is_an_error() -> None:
    with pytest.raises(MissingPrerequisite, match="~nobody-of-that-name/cache: the home folder"):
        expanded("~nobody-of-that-name/cache")
