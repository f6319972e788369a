"""Settings: safe by default, read from file and environment, refused when they would open or split something."""

from pathlib import Path

import pytest
from pydantic import TypeAdapter

from triplegate.config.faults import ConfigError
from triplegate.config.settings import SETTING_NAMES, Limits, Settings, is_loopback, load_settings, restart_needed

EVERYWHERE = ".".join("0000")


def read(directory: Path, text: str = "", **environment: str) -> Settings:
    (directory / "triplegate.yaml").write_text(text)
    return load_settings(directory, environment)


def refused(directory: Path, text: str = "", **environment: str) -> str:
    with pytest.raises(ConfigError) as caught:
        read(directory, text, **environment)
    return str(caught.value)


def test_the_edge_defaults_are_those_promised() -> None:
    limits = Limits()
    assert (limits.uri, limits.headers, limits.fields) == (8 << 10, 64 << 10, 100)
    assert limits.body == 10 << 20
    assert (limits.header_timeout, limits.body_idle, limits.body_rate, limits.write_idle) == (10, 30, 240, 60)


def test_nothing_is_needed_to_start(tmp_path: Path) -> None:
    settings = load_settings(tmp_path, {})
    assert (settings.listeners.data.host, settings.listeners.data.port) == ("127.0.0.1", 8080)
    assert (settings.listeners.control.host, settings.listeners.control.port) == ("127.0.0.1", 8081)
    assert settings.listeners.status is None
    assert settings.state.kind == "memory"
    assert settings.store_url.reveal() == f"sqlite+aiosqlite:///{tmp_path}/.triplegate/triplegate.db"
    assert settings.spool_path == tmp_path / ".triplegate" / "spool"
    assert not (settings.allow_private)
    assert not (settings.insecure_admin)
    assert not (settings.trusted_proxies)


def test_variables_move_listeners_and_name_stores(tmp_path: Path) -> None:
    settings = read(
        tmp_path,
        "listeners: {data: {port: 1}}\n",
        TRIPLEGATE_HOST=EVERYWHERE,
        TRIPLEGATE_PORT="9000",
        TRIPLEGATE_ADMIN_PORT="9001",
        TRIPLEGATE_STATUS_HOST=EVERYWHERE,
        TRIPLEGATE_REDIS_URL="redis://:CANARY@r:6379/0",
        TRIPLEGATE_STORE_URL="postgresql+asyncpg://u:CANARY@p/db",
        TRIPLEGATE_WORKERS="2",
        TRIPLEGATE_STATE_DIR="/var/lib/triplegate",
    )
    assert (settings.listeners.data.host, settings.listeners.data.port) == (EVERYWHERE, 9000)
    assert settings.listeners.status is not None
    assert settings.state.kind == "redis"
    assert settings.state.redis is not None
    assert settings.state.redis.reveal() == "redis://:CANARY@r:6379/0"
    assert settings.store_url.reveal().startswith("postgresql")
    assert settings.workers == 2
    assert settings.state_path == Path("/var/lib/triplegate")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("state: memory\n", "memory"),
        ("state: {redis: env:R}\n", "redis"),
        ("state: {kind: redis, redis: env:R}\n", "redis"),
    ],
)
def test_state_is_said_shortly(tmp_path: Path, text: str, kind: str) -> None:
    assert read(tmp_path, text, R="redis://r").state.kind == kind


def test_a_state_in_the_database_needs_one_that_all_nodes_share(tmp_path: Path) -> None:
    shared = "state: sql\nnodes: 2\npepper: env:P\nstore: env:S\n"
    assert read(tmp_path, shared, P="p", S="postgresql://h/d").state.kind == "sql"
    assert "PostgreSQL" in refused(tmp_path, shared, P="p", S="sqlite:///x.db")
    assert "PostgreSQL" in refused(tmp_path, "state: sql\nnodes: 2\npepper: env:P\n", P="p")
    assert read(tmp_path, "state: sql\nworkers: 2\n").state.kind == "sql"


def test_a_shared_state_that_would_not_be_used_is_refused(tmp_path: Path) -> None:
    assert "either memory, sql, or" in refused(tmp_path, "state: {kind: memory, redis: env:R}\n", R="redis://r")
    assert "either memory, sql, or" in refused(tmp_path, "state: redis\n")


def test_a_store_is_said_shortly_and_by_reference(tmp_path: Path) -> None:
    (tmp_path / "url").write_text("sqlite+aiosqlite:///x.db\n")
    assert read(tmp_path, "store: file:url\n").store_url.reveal() == "sqlite+aiosqlite:///x.db"
    assert read(tmp_path, "store: {url: env:U}\n", U="sqlite:///y").store_url.reveal() == "sqlite:///y"


def test_a_pepper_comes_from_a_file_a_variable_or_not_at_all(tmp_path: Path) -> None:
    (tmp_path / "pepper").write_text("CANARY\n")
    for settings in (
        read(tmp_path, "pepper: file:pepper\n"),
        read(tmp_path, TRIPLEGATE_PEPPER="file:pepper"),
        read(tmp_path, TRIPLEGATE_PEPPER="CANARY"),
        read(tmp_path, "pepper: env:P\n", P="CANARY"),
    ):
        assert settings.pepper is not None
        assert settings.pepper.reveal() == "CANARY"
    assert read(tmp_path).pepper is None


def test_no_secret_of_the_settings_is_ever_shown(tmp_path: Path) -> None:
    settings = read(
        tmp_path,
        TRIPLEGATE_PEPPER="CANARY",
        TRIPLEGATE_REDIS_URL="redis://:CANARY@r",
        TRIPLEGATE_STORE_URL="postgresql+asyncpg://u:CANARY@p/db",
    )
    for shown in (
        repr(settings),
        str(settings),
        settings.model_dump_json(),
        str(settings.model_dump()),
        str(TypeAdapter(Settings).dump_python(settings)),
        repr(settings.store_url),
    ):
        assert "CANARY" not in shown


def test_a_control_listener_open_to_others_is_refused_unless_said(tmp_path: Path) -> None:
    assert "insecure_admin: true" in refused(tmp_path, TRIPLEGATE_ADMIN_HOST=EVERYWHERE)
    assert "insecure_admin: true" in refused(tmp_path, "listeners: {control: {host: '::'}}\n")
    assert read(tmp_path, "insecure_admin: true\n", TRIPLEGATE_ADMIN_HOST=EVERYWHERE).insecure_admin


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("localhost", True), (EVERYWHERE, False), ("::", False)],
)
def test_loopback_is_known(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback
    assert not is_loopback("example.com")


def test_limits_are_not_counted_apart_by_accident(tmp_path: Path) -> None:
    assert "allow_local_limits" in refused(tmp_path, "workers: 2\n")
    assert "allow_local_limits" in refused(tmp_path, "nodes: 2\npepper: env:P\n", P="x")
    assert read(tmp_path, "workers: 2\nallow_local_limits: true\n").workers == 2
    assert read(tmp_path, "workers: 2\n", TRIPLEGATE_REDIS_URL="redis://r").workers == 2


def test_several_nodes_need_one_pepper(tmp_path: Path) -> None:
    assert "one pepper" in refused(tmp_path, "nodes: 2\n", TRIPLEGATE_REDIS_URL="redis://r")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("listeners: {data: {prt: 1}}\n", "triplegate.yaml:1:20 unknown field 'prt' (did you mean 'port'?)"),
        ("pepper: CANARY\n", "triplegate.yaml:1:9 pepper: must be a reference"),
        ("pepper: env:NONE\n", "triplegate.yaml:1:9 pepper: nothing at 'env:NONE'"),
        ("trusted_proxies: [10.0.0.0/33]\n", "triplegate.yaml:1:19 trusted_proxies: must be an address or a network"),
        ("drain: {grace: -1s}\n", "triplegate.yaml:1:16 grace: expected a duration such as"),
        ("limits: {body: huge}\n", "triplegate.yaml:1:16 body: a size is a number of bytes"),
        ("documents: git\n", "triplegate.yaml:1:12 documents: must be 'files'"),
        ("directory: /etc\nworkers: none\n", "triplegate.yaml:2:10 workers: must be a whole number"),
        ("a: [\n", "triplegate.yaml:2:1 not YAML"),
    ],
)
def test_a_wrong_setting_is_said_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    found = refused(tmp_path, text)
    assert said in found
    assert "CANARY" not in found


def test_a_kubernetes_service_link_is_explained(tmp_path: Path) -> None:
    assert refused(tmp_path, TRIPLEGATE_PORT="tcp://10.0.0.1:80").startswith(
        "$TRIPLEGATE_PORT port: must be a port number (K"
    )


def test_broken_documents_do_not_keep_settings_from_being_read(tmp_path: Path) -> None:
    (tmp_path / "apis.yaml").write_text("services: [")
    assert read(tmp_path, "node: n\nservices: {a: {nonsense: 1}}\n").node == "n"


def test_the_directory_is_known_but_not_written(tmp_path: Path) -> None:
    assert "directory" not in SETTING_NAMES
    assert "directory" not in read(tmp_path).model_dump()
    assert read(tmp_path, "trusted_proxies: [10.1.2.3/8]\n").trusted_proxies == ("10.0.0.0/8",)


def test_edits_that_need_a_restart_are_named(tmp_path: Path) -> None:
    before = read(tmp_path, "node: a\npepper: env:P\n", P="one")
    after = read(tmp_path, "node: a\npepper: env:P\nlisteners: {data: {port: 1}}\n", P="two")
    assert restart_needed(before, before) == ()
    assert restart_needed(before, after) == ("listeners", "pepper")
