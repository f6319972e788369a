"""Listeners as written: any further name is one more place for clients, and no two can be mistaken for each other."""

from pathlib import Path

import pytest

from triplegate.config.faults import ConfigError
from triplegate.config.listeners import Listeners, is_loopback, network
from triplegate.config.settings import load_settings, restart_needed


def read(directory: Path, text: str) -> Listeners:
    (directory / "triplegate.yaml").write_text(text)
    return load_settings(directory, {}).listeners


def refused(directory: Path, text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        read(directory, text)
    return str(caught.value)


def test_a_further_name_is_a_listener_for_clients(tmp_path: Path) -> None:
    listeners = read(tmp_path, "listeners: {web: {port: 8443, host: 127.0.0.2, serves: [80, 443]}}\n")
    assert list(listeners.gates) == ["data", "web"]
    assert list(listeners.all) == ["data", "control", "web"]
    web = listeners.named["web"]
    assert (web.host, web.port, web.serves) == ("127.0.0.2", 8443, (80, 443))
    assert listeners.data.port == 8080


def test_a_further_listener_says_its_port(tmp_path: Path) -> None:
    assert "triplegate.yaml:1:13 field 'port' is missing" in refused(tmp_path, "listeners: {web: {}}\n")


def test_an_unknown_field_of_a_further_listener_is_told_with_the_nearest(tmp_path: Path) -> None:
    said = refused(tmp_path, "listeners: {web: {port: 1, hots: a}}\n")
    assert "triplegate.yaml:1:28 unknown field 'hots' (did you mean 'host'?)" in said


@pytest.mark.parametrize("name", ["api", "llm", "mcp", "a b", "-x"])
def test_a_name_that_means_something_else_is_refused(tmp_path: Path, name: str) -> None:
    said = refused(tmp_path, f"listeners: {{'{name}': {{port: 1}}}}\n")
    assert f"'{name}' cannot be a listener's name" in said


def test_two_listeners_cannot_stand_for_one_port(tmp_path: Path) -> None:
    said = refused(tmp_path, "listeners: {a: {port: 1, serves: [80]}, b: {port: 2, serves: [80]}}\n")
    assert "listeners 'a' and 'b' both stand for port 80" in said


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "'::'"])  # noqa: S104
def test_two_listeners_cannot_have_one_port(tmp_path: Path, host: str) -> None:
    said = refused(tmp_path, f"listeners: {{web: {{port: 8081, host: {host}}}}}\n")
    assert "listeners 'control' and 'web' both ask for port 8081" in said


def test_one_port_on_two_addresses_and_free_ports_are_fine(tmp_path: Path) -> None:
    read(tmp_path, "listeners: {web: {port: 8080, host: 127.0.0.9}, a: {port: 0}, b: {port: 0}}\n")


def test_a_changed_listener_needs_a_restart(tmp_path: Path) -> None:
    before, after = tmp_path / "before", tmp_path / "after"
    for folder, port in ((before, 1), (after, 2)):
        folder.mkdir()
        read(folder, f"listeners: {{web: {{port: {port}}}}}\nnode: n\n")
    assert restart_needed(load_settings(before, {}), load_settings(after, {})) == ("directory", "listeners")


def test_loopback_and_networks_are_known() -> None:
    assert is_loopback("127.0.0.1")
    assert not is_loopback("192.0.2.1")
    assert network("10.1.2.3/8") == "10.0.0.0/8"


TLS = "certificates: {certificate: a.pem, key: 'file:a.key'}"


def test_tls_means_http2_too_unless_it_is_waived(tmp_path: Path) -> None:
    listeners = read(
        tmp_path,
        f"listeners: {{a: {{port: 1, tls: {{{TLS}}}}}, b: {{port: 2, http2: false, tls: {{{TLS}}}}}, c: {{port: 3}},"
        " d: {port: 4, http2: true}, e: {port: 5, proxy_protocol: {trusted: [10.1.2.3/8]}}}\n",
    )
    assert {name: (one.speaks_http2, one.fronted) for name, one in listeners.gates.items()} == {
        "data": (False, False),
        "a": (True, True),
        "b": (False, True),
        "c": (False, False),
        "d": (True, True),
        "e": (False, True),
    }
    assert listeners.named["a"].tls is not None
    assert [one.certificate for one in listeners.named["a"].tls.certificates] == ["a.pem"]
    assert listeners.named["e"].proxy_protocol is not None
    assert listeners.named["e"].proxy_protocol.trusted == ("10.0.0.0/8",)


@pytest.mark.parametrize(
    ("tls", "said"),
    [
        ("certificates: []", "certificates: must have at least 1"),
        (f"{TLS}, client_auth: required", "client_auth (optional, required) and client_ca come together"),
        (f"{TLS}, client_ca: ca.pem", "client_auth (optional, required) and client_ca come together"),
        ("certificates: {certificate: a, key: 'env:KEY'}", "the key of a listener is a file: reference"),
        ("certificates: {certificate: a, key: CANARY}", "never the secret itself"),
        (f"{TLS}, minimum: '1.1'", "minimum: must be '1.2' or '1.3'"),
    ],
)
def test_tls_that_cannot_be_meant_is_refused(tmp_path: Path, tls: str, said: str) -> None:
    found = refused(tmp_path, f"listeners: {{data: {{tls: {{{tls}}}}}}}\n")
    assert said in found
    assert "CANARY" not in found


@pytest.mark.parametrize("trusted", ["[]", "[nowhere]"])
def test_a_proxy_that_nobody_can_be_is_refused(tmp_path: Path, trusted: str) -> None:
    assert "trusted: must" in refused(tmp_path, f"listeners: {{data: {{proxy_protocol: {{trusted: {trusted}}}}}}}\n")
