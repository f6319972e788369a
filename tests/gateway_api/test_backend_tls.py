"""TLS towards backends by BackendTLSPolicy: checked, or not called at all; never plain text."""

import asyncio
import contextlib
import json
import ssl

import pytest
from tests.gates.built import answer
from tests.gateway_api.manifests import (
    authorities,
    backend_tls,
    gateway,
    route,
    rule_to,
    service,
    slice_of,
    world,
)
from tests.gateway_api.pairs import pair_for
from tests.servers.spawn import free_port

SPIFFE = "spiffe://b.test/orders"
CHAIN, KEY = pair_for("b.test", SPIFFE)
OTHER, _ = pair_for("b.test")


@contextlib.asynccontextmanager
async def secure(folder):
    """The port of a backend that speaks TLS and says which name it was asked for."""
    (folder / "tls.pem").write_text(CHAIN + KEY)
    asked = []
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "tls.pem")
    context.sni_callback = lambda tls, name, own: asked.append(name)

    async def serve(reader, writer):
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            while True:
                await reader.readuntil(b"\r\n\r\n")
                writer.write(answer(json.dumps({"backend": "tls"}).encode()))
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", free_port(), ssl=context)
    try:
        yield server.sockets[0].getsockname()[1], asked
    finally:
        server.close()


NAMED = {"subjectAltNames": [{"type": "URI", "uri": SPIFFE}]}
CASES = {
    "trusted": ([authorities("ca", CHAIN), backend_tls("t", "b.test", "ca")], "tls"),
    "by another name": ([authorities("ca", CHAIN), backend_tls("t", "else.test", "ca", **NAMED)], "tls"),
    "another authority": ([authorities("ca", OTHER), backend_tls("t", "b.test", "ca")], 502),
    "another host": ([authorities("ca", CHAIN), backend_tls("t", "c.test", "ca")], 502),
    "the system's authorities": ([backend_tls("t", "b.test", wellKnownCACertificates="System")], 502),
    "no authority": ([backend_tls("t", "b.test", "gone")], 500),
}


@pytest.mark.parametrize("case", CASES)
async def test_a_backend_is_called_when_its_certificate_is_the_one_that_is_asked_for(tmp_path, case):
    objects, expected = CASES[case]
    async with secure(tmp_path) as (port, asked):
        backend = service("t", protocol="https"), slice_of("t", port)
        made = world(tmp_path, gateway(), route("r", rule_to("t")), *backend, *objects, backends="")
        async with made as gate:
            assert await gate.backend("a.test/") == expected
        if expected == "tls":
            assert set(asked) == {"else.test" if case == "by another name" else "b.test"}


async def test_a_backend_whose_policy_is_bad_says_so(tmp_path):
    objects = service("t"), slice_of("t", 1), backend_tls("t", "b.test", "gone")
    async with world(tmp_path, gateway(), route("r", rule_to("t")), *objects, backends="") as made:
        assert made.verdicts("BackendTLSPolicy", "tls", "", "Accepted") == "False NoValidCACertificate"
        assert made.verdicts.route(type_="ResolvedRefs") == "False InvalidKind"
