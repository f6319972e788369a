"""`check` looks at the certificates that are named anywhere: one bad file is one line, and fails only when strict."""

import json

import pytest
from tests.certificates import Authority
from tests.gateway_api.manifests import OPEN, gateway, listener, secret
from tests.journeys.running import write

LISTENERS = """
listeners:
  data: {tls: {certificates: [{certificate: a.pem, key: "file:a.key"}, {certificate: b.pem, key: "file:b.key"}]}}
  inner:
    port: 8444
    serves: [443]
    tls: {certificates: {certificate: a.pem, key: "file:a.key"}, client_auth: required, client_ca: ca.pem}
  grpc: {tls: {certificate: b.pem, key: "file:b.key", client_ca: ca.pem}}
"""
SERVICES = """
services: {far: {endpoints: ["https://a.test"], tls: {ca: ca.pem, certificate: a.pem, key: "file:a.key"}}}
providers: {mine: {base_url: "https://llm.test/v1", dialect: openai_chat, auth: null, tls: {ca: ca.pem}}}
servers: {files: {url: "https://a.test/mcp", tls: {ca: ca.pem}}}
"""


PEM = "-----BEGIN CERTIFICATE-----\n"


@pytest.fixture
def authority(tmp_path):
    """Files ca.pem, a.pem, a.key, b.pem, b.key, all good, and a configuration that names them."""
    authority = Authority(tmp_path, "ca")
    authority.sign("a", "a.test")
    authority.sign("b", "b.test")
    write(tmp_path, LISTENERS + SERVICES)
    return authority


def warnings(done):
    return sorted(line.partition("warning: ")[2] for line in done.err.splitlines())


def test_good_ones_are_no_warning(command, authority):
    done = command("check", "--strict")
    assert (done.status, done.err) == (0, "")


def test_whatever_is_wrong_is_told_for_each_that_names_it(command, authority, tmp_path):
    (tmp_path / "b.pem").unlink()
    (tmp_path / "a.key").write_bytes((tmp_path / "b.key").read_bytes())
    (tmp_path / "ca.pem").write_text("no certificate")
    done = command("check")
    assert done.status == 0
    told = "\n".join(warnings(done))
    for who in ("listener 'data'", "listener 'inner'", "service 'far'"):
        assert f"{who}: a.pem: is no certificate with its key (KEY_VALUES_MISMATCH" in told, who
    for who in ("listener 'data'", "listener 'grpc'"):
        assert f"{who}: b.pem: No such file or directory" in told, who
    for who in ("listener 'inner'", "listener 'grpc'", "service 'far'", "provider 'mine'", "server 'files'"):
        assert f"{who}: ca.pem holds no certificates" in told, who
    assert len(warnings(done)) == 10
    assert command("check", "--strict").status == 1


def test_a_file_that_is_not_there_is_told_once(command, authority, tmp_path):
    (tmp_path / "a.key").unlink()
    (tmp_path / "ca.pem").unlink()
    told = warnings(command("check"))
    assert len([line for line in told if "service 'far'" in line]) == 2
    assert any("service 'far': nothing at file:a.key" in line for line in told)
    assert any("service 'far': ca.pem: No such file or directory" in line for line in told)
    assert any("listener 'data': a.key: No such file or directory" in line for line in told)


def test_an_expired_one_is_told(command, authority, tmp_path):
    authority.sign("a", "a.test", days=-1)
    told = warnings(command("check"))
    assert [line.partition(": ")[2] for line in told] == ["a.pem has expired"] * 3
    assert command("check", "--strict").status == 1


def test_authorities_that_stand_in_a_document_are_looked_at_too(command, tmp_path):
    old, authority = (Authority(tmp_path, name) for name in ("old", "ca"))
    ended = old.sign("ended", days=-1).certificate.read_text()
    for text, told in (
        (authority.path.read_text(), []),
        (ended, ["has expired"]),
        (f"{PEM}no", ["holds no certificates"]),
    ):
        tls = json.dumps({"ca": text})
        write(tmp_path, f"services: {{far: {{endpoints: ['https://a.test'], tls: {tls}}}}}\n")
        assert [line.rpartition("its ca says ")[2] for line in warnings(command("check"))] == told


def test_one_of_a_secret_that_has_expired_is_told(command, authority, tmp_path):
    old = authority.sign("old", "old.test", days=-1)
    refs = {"certificateRefs": [{"name": "tls"}]}
    web = gateway(listener("https", 443, "HTTPS", hosts="old.test", tls=refs), annotations=OPEN)
    pair = secret("tls", old.certificate.read_text(), old.key.read_text())
    (tmp_path / "apis").mkdir()
    (tmp_path / "apis" / "web.yaml").write_text("\n---\n".join(json.dumps(one) for one in (web, pair)))
    assert "listener 'inner': a certificate of a Secret has expired" in warnings(command("check"))
