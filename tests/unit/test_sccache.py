"""sccache without running it: settings, hosts, wrappers, keys, statistics."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from pythonbuild.catalog.load import load_catalog
from pythonbuild.driver.compiler_cache import describe
from pythonbuild.engines.sccache.cache import Compilations, last_words, read_statistics
from pythonbuild.engines.sccache.environment import client_variables, server_variables
from pythonbuild.engines.sccache.remotes import Unreachable, remotes
from pythonbuild.engines.sccache.wrappers import compiler_text
from pythonbuild.errors import BadRequest
from pythonbuild.home import checkout
from pythonbuild.host.settings import read_settings
from pythonbuild.plan.facts import PlanningFacts
from pythonbuild.plan.planner import make_plan
from pythonbuild.plan.script import script_inputs
from pythonbuild.plan.step import Plan, ScriptAction
from pythonbuild.request.build import BuildRequest, resolve

CATALOG = load_catalog(checkout() / "cpython-unix")


def files(home: Path, peers: str = "", ours: str = "") -> dict[str, str]:
    (home / ".config" / "pythonbuild").mkdir(parents=True)
    (home / ".python-build-standalone-env").write_text(peers)
    (home / ".config" / "pythonbuild" / "env").write_text(ours)
    return {"HOME": str(home)}


def test_the_environment_wins_over_our_file_and_that_over_the_peers(tmp_path: Path) -> None:
    told: list[str] = []
    environment = files(
        tmp_path,
        "# theirs\n\nSCCACHE_BUCKET=peer\nSCCACHE_REGION=peer\nAWS_REGION=peer\n",
        "  SCCACHE_BUCKET=no\nSCCACHE_REGION= ours = yes \n",
    )
    environment["SCCACHE_BUCKET"] = "mine"
    settings = read_settings(environment, told.append)
    assert settings == {"SCCACHE_BUCKET": "mine", "SCCACHE_REGION": "ours = yes", "AWS_REGION": "peer"}
    assert told == []


def test_xdg_config_home_names_the_folder_of_settings(tmp_path: Path) -> None:
    environment = files(tmp_path, ours="PYTHONBUILD_STORE=default\n")
    (tmp_path / "xdg" / "pythonbuild").mkdir(parents=True)
    (tmp_path / "xdg" / "pythonbuild" / "env").write_text("PYTHONBUILD_STORE=own\n")
    environment["XDG_CONFIG_HOME"] = str(tmp_path / "xdg")
    assert read_settings(environment, pytest.fail) == {"PYTHONBUILD_STORE": "own"}


def test_other_names_cause_one_warning_and_are_ignored(tmp_path: Path) -> None:
    told: list[str] = []
    environment = files(tmp_path, "CFLAGS=-hush\nAWS_PROFILE=hush\nSCCACHE_DIR=/x\n", "PYTHONBUILD_HOME=/hush\n")
    assert read_settings({**environment, "PATH": "/bin", "AWS_PROFILE": "x"}, told.append) == {"SCCACHE_DIR": "/x"}
    (text,) = told
    assert "CFLAGS in" in text
    assert "AWS_PROFILE in" in text
    assert "PYTHONBUILD_HOME in" in text
    assert "hush" not in text


@pytest.mark.parametrize("line", ["AWS_SECRET_ACCESS_KEY hush", "=hush", "9X=hush", "export SCCACHE_DIR=hush"])
def test_an_invalid_line_is_named_and_not_shown(tmp_path: Path, line: str) -> None:
    with pytest.raises(BadRequest) as error:
        read_settings(files(tmp_path, f"# first\n{line}\n"), pytest.fail)
    assert f"{tmp_path}/.python-build-standalone-env, line 2:" in error.value.message
    assert "hush" not in error.value.message + error.value.hint


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ("SCCACHE_CACHE_SIZE=1G", ""),
        (
            "SCCACHE_BUCKET=b SCCACHE_REGION=eu-west-1",
            "s3.eu-west-1.amazonaws.com:443 b.s3.eu-west-1.amazonaws.com:443",
        ),
        ("SCCACHE_BUCKET=b SCCACHE_ENDPOINT=http://minio.lan:9000", "minio.lan:9000"),
        ("SCCACHE_BUCKET=b SCCACHE_ENDPOINT=minio.lan", "minio.lan:80"),
        ("SCCACHE_BUCKET=b SCCACHE_ENDPOINT=minio.lan SCCACHE_S3_USE_SSL=true", "minio.lan:443"),
        (
            "SCCACHE_BUCKET=b SCCACHE_ENDPOINT=https://s.lan SCCACHE_S3_ENABLE_VIRTUAL_HOST_STYLE=true",
            "s.lan:443 b.s.lan:443",
        ),
        ("SCCACHE_REDIS_ENDPOINT=redis://r.lan", "r.lan:6379"),
        ("SCCACHE_REDIS_CLUSTER_ENDPOINTS=redis://a.lan:1,redis://b.lan:2", "a.lan:1 b.lan:2"),
        ("SCCACHE_MEMCACHED=tcp://m.lan", "m.lan:11211"),
        ("SCCACHE_WEBDAV_ENDPOINT=https://u:p@w.lan/x", "w.lan:443"),
        ("SCCACHE_GCS_BUCKET=b", "storage.googleapis.com:443 oauth2.googleapis.com:443"),
        ("SCCACHE_AZURE_CONNECTION_STRING=BlobEndpoint=http://a.lan:1/x;SharedAccessSignature=s", "a.lan:1"),
        (
            "SCCACHE_AZURE_CONNECTION_STRING=AccountName=me;AccountKey=k==;EndpointSuffix=core.lan",
            "me.blob.core.lan:443",
        ),
        ("SCCACHE_REDIS=redis://127.0.0.5:1", "127.0.0.5:1"),
    ],
)
def test_hosts_that_settings_name(settings: str, expected: str) -> None:
    pairs = dict(word.split("=", 1) for word in settings.split())
    assert " ".join(f"{remote.host}:{remote.port}" for remote in remotes(pairs)) == expected


@pytest.mark.parametrize(
    "setting",
    [
        "SCCACHE_GHA_ENABLED=on",
        "SCCACHE_GCS_KEY_PATH=/x",
        "SCCACHE_REDIS=redis://10.0.0.1",
        "SCCACHE_ENDPOINT=http://[::1]:9",
        "SCCACHE_WEBDAV_ENDPOINT=/x",
        "SCCACHE_AZURE_CONNECTION_STRING=x",
    ],
)
def test_places_that_containers_cannot_reach(setting: str) -> None:
    name, _, value = setting.partition("=")
    with pytest.raises(Unreachable):
        remotes({name: value})


def test_the_identity_is_one_comment() -> None:
    assert "\n# one two\n" in compiler_text("cc", "one\ntwo")
    assert compiler_text("cc", "one") != compiler_text("cc", "two")


def test_secrets_are_the_servers() -> None:
    settings = {
        "AWS_SECRET_ACCESS_KEY": "hush",
        "SCCACHE_BASEDIRS": "/x",
        "SCCACHE_SERVER_PORT": "1",
        "SCCACHE_DIRECT": "true",
    }
    server = server_variables(settings, "/objects", "/socket", "/home")
    assert server["AWS_SECRET_ACCESS_KEY"] == "hush"
    assert server["SCCACHE_DIR"] == "/objects"
    assert server["SCCACHE_DIRECT"] == "false"
    assert not {"SCCACHE_BASEDIRS", "SCCACHE_SERVER_PORT"} & set(server)
    assert "hush" not in "".join(client_variables("/sccache", "/socket").values())


def test_last_words_are_without_secrets() -> None:
    settings = {"AWS_SECRET_ACCESS_KEY": "hush", "SCCACHE_REDIS": "redis://me:pass@r.lan", "SCCACHE_BUCKET": "b"}
    log = "start\nerror: hush redis://me:pass@r.lan and b\n\nBacktrace:\n 0: x\n"
    assert last_words(log, settings) == "error: *** redis://***:***@r.lan and b"
    assert last_words("", settings) == ""


def test_statistics() -> None:
    text = (
        '{"stats": {"cache_hits": {"counts": {"C/C++": 3, "Assembler": 1}}, "cache_misses": {"counts": {"C/C++": 4}}}}'
    )
    assert read_statistics(text) == Compilations(4, 8)
    assert describe(Compilations(4, 8) + Compilations(2, 4)) == "6 of 12 compilations from the cache (50%)"
    assert describe(Compilations()) == ""
    for wrong in ("", "[]", "{}", '{"stats": {"cache_hits": 1}}'):
        with pytest.raises(ValueError, match=r"."):
            read_statistics(wrong)


def plan() -> Plan:
    request = BuildRequest(
        targets=("aarch64-unknown-linux-gnu",),
        pythons=(),
        options=(),
        machine="x86_64",
        toolchain="auto",
        engine="host",
    )
    return make_plan(resolve(request, CATALOG), CATALOG, PlanningFacts(machine="x86_64"))


def test_which_compilers_there_are_is_in_no_key() -> None:
    seen = set()
    for step in plan():
        if isinstance(step.action, ScriptAction):
            bare = replace(step.action, compilers={})
            assert script_inputs(step.action) == script_inputs(bare)
            assert set(step.action.compilers) <= set(step.action.wrappers)
            assert "cpp" not in step.action.compilers
            assert set(step.inputs) >= {f"command {name}" for name in step.action.compilers}
            seen |= set(step.action.compilers)
    assert {"clang", "clang++", "build-cc"} <= seen


def test_the_pinned_sccache_is_there_for_every_unix_that_builds() -> None:
    assert set(CATALOG.sccache) == {"x86_64", "aarch64", "x86_64-darwin", "aarch64-darwin"}
    assert len({origin.sha256 for origin in CATALOG.sccache.values()}) == 4


def test_every_documented_variable_may_stand_in_a_file(tmp_path: Path) -> None:
    pages = "".join((checkout() / "docs" / name).read_text() for name in ("reference.md", "caches.md", "releases.md"))
    names = set(re.findall(r"`((?:PYTHONBUILD|PYBUILD|SCCACHE|AWS)_[A-Z_]*[A-Z])`", pages)) - {"PYTHONBUILD_HOME"}
    assert len(names) > 12
    text = "".join(f"{name}=value\n" for name in [*names, "SCCACHE_DIST_AUTH"])
    assert set(read_settings(files(tmp_path, text), pytest.fail)) == {*names, "SCCACHE_DIST_AUTH"}


def test_a_mistyped_variable_is_named(tmp_path: Path) -> None:
    told: list[str] = []
    read_settings({**files(tmp_path), "PYTHONBUILD_STORES": "s3://b", "PYTHONBUILD_TESTS_X": "1"}, told.append)
    assert told == ["PYTHONBUILD_STORES is not a setting of pythonbuild; did you mean PYTHONBUILD_STORE?"]
