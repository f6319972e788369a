"""No mixture of path, host and claimed identity gets to a guarded service without a valid key (P-10, P-12, I-A4)."""

import base64
from itertools import islice, product

import pytest
from tests.hostile.attacked import attacked
from tests.hostile.raw import Wire

from triplegate.core.identity import new_key

PATHS = (
    "/admin", "/admin/", "//admin", "/./admin", "/admin/.", "/public/../admin", "/%61dmin", "/admin?x=1",
    "/admin?key={key}", "/admin?api_key={key}", "/admin?access_token={key}", "/admin?x-api-key={key}",
)  # fmt: skip
HOSTS = ("a.test", "A.TEST", "a.test:80", "127.0.0.1", "localhost", "a.test.", "admin", "_x.a.test")
CLAIMS = {
    "nothing": (),
    "a wrong key": ("Authorization: Bearer {wrong}",),
    "a key without its end": ("Authorization: Bearer {short}",),
    "a key and a letter": ("Authorization: Bearer {key}x",),
    "a key in capitals": ("Authorization: Bearer {upper}",),
    "no scheme": ("Authorization: {key}",),
    "another scheme": ("Authorization: Token {key}",),
    "Basic": ("Authorization: Basic {basic}",),
    "two credentials": ("Authorization: Bearer {key}", "Authorization: Bearer {wrong}"),
    "two of another kind": ("Authorization: Bearer {wrong}", "X-Api-Key: {wrong}"),
    "an empty bearer": ("Authorization: Bearer", "X-Consumer: ci"),
    "a list": ("Authorization: Bearer {wrong}, Bearer {key}",),
    "a cookie": ("Cookie: authorization={key}; x-api-key={key}; session={key}",),
    "an underscore": ("X_Api_Key: {key}",),
    "nominated": ("Connection: Authorization", "Authorization: Bearer {wrong}"),
    "a proxy's word": ("Proxy-Authorization: Bearer {key}", "X-Forwarded-User: ci", "X-Remote-User: ci"),
    "identity fields": ("X-Consumer-Username: ci", "X-Credential-Identifier: x", "X-Authenticated-Userid: 1"),
    "our own fields": ("X-Triplegate-Consumer: ci", "X-Triplegate-Team: acme/web", "X-Triplegate-Key: {key}"),
    "a forwarded address": ("X-Forwarded-For: 127.0.0.1", "X-Real-IP: 127.0.0.1", "Forwarded: for=127.0.0.1"),
    "another method": ("X-HTTP-Method-Override: OPTIONS", "X-Original-URL: /public", "X-Rewrite-URL: /public"),
    "a token of nobody": ("Authorization: Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJjaSJ9.",),
}
MIXTURES = list(product(PATHS, HOSTS, CLAIMS))


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    with attacked(tmp_path_factory.mktemp("identity")) as made:
        yield made


def words(key: str) -> dict[str, str]:
    wrong, _ = new_key()  # well formed, its checksum right, and nobody's
    basic = base64.b64encode(f"{key}:".encode()).decode()
    return {"key": key, "wrong": wrong, "short": key[:-1], "upper": key.upper(), "basic": basic}


def request(mixture, filled) -> bytes:
    path, host, claim = mixture
    lines = [f"GET {path} HTTP/1.1", f"Host: {host}", *CLAIMS[claim]]
    return ("\r\n".join(lines).format(**filled) + "\r\n\r\n").encode()


def test_no_mixture_gets_in_without_a_key(gateway):
    assert len(MIXTURES) >= 500
    filled = words(gateway.key)
    gateway.forget()
    found, wire = {}, None
    for mixture in MIXTURES:
        wire = wire or Wire(gateway.port)
        answer = wire.send(request(mixture, filled)).answer()
        assert answer is not None, mixture
        found[mixture] = answer.status
        if answer.one("connection") == "close":
            wire.socket.close()
            wire = None
    if wire is not None:
        wire.socket.close()
    assert not gateway.guarded.seen
    assert not gateway.guarded.strange
    assert set(found.values()) <= {400, 401, 404}
    assert sum(status == 401 for status in found.values()) > len(MIXTURES) / 2


def test_the_same_paths_and_hosts_with_the_key_do_get_in(gateway):
    """What proves that the mixtures above were refused for what they claim, not for their path or host."""
    filled = words(gateway.key)
    gateway.forget()
    paths = [path for path in PATHS if "{" not in path]
    with Wire(gateway.port) as wire:
        for path, host in islice(product(paths, HOSTS), 0, None, 5):
            raw = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {filled['key']}\r\n\r\n".encode()
            answer = wire.send(raw).answer()
            assert answer is not None, (path, host)
            assert answer.status == 200, (path, host)
    assert gateway.guarded.take()
    assert all(filled["key"].encode() not in seen.raw for seen in gateway.guarded.seen)
