"""TLS of the gRPC listener: who must show a certificate, and what becomes of changed files."""

import os
import shutil
from pathlib import Path

import grpc
import grpc.aio
import pytest
from tests.edge.test_grpc import Gate, doing, echo
from tests.journeys.running import free_port
from tests.upstreams.test_tls import Authority

from triplegate.core.clock import SystemClock
from triplegate.edge.asgi import EdgeLimits
from triplegate.edge.grpc import GrpcPlane, open_server
from triplegate.edge.grpc_tls import Files, server_credentials
from triplegate.edge.guard import Limits
from triplegate.edge.live import Live


async def asked(port, root, pair=(None, None)):
    """Status of a call over TLS."""
    credentials = grpc.ssl_channel_credentials(root, *pair)
    options = [("grpc.ssl_target_name_override", "grpc.test"), ("grpc.enable_retries", 0)]
    async with grpc.aio.secure_channel(f"127.0.0.1:{port}", credentials, options) as channel:
        try:
            await channel.unary_unary("/a.B/C")(b"hi", timeout=5)
        except grpc.aio.AioRpcError as error:
            return error.code().value[0]
        return 0


async def test_a_client_shows_its_certificate_where_one_is_asked_for(tmp_path):
    authority = Authority(tmp_path, "authority")
    server, client = authority.sign("server", "grpc.test"), authority.sign("client", "client.test")
    root, shown = Path(authority.path).read_bytes(), Path(client).read_bytes()
    gate = Gate(doing(echo))

    async def answer(asked_gate, exchange):
        return gate.reply()

    plane = GrpcPlane(lambda: gate, answer, EdgeLimits(Limits()), None, Live(), SystemClock())
    port = free_port()
    credentials = server_credentials(grpc, Path(server), Path(server), Path(authority.path))
    listening = await open_server(plane, "127.0.0.1", port, 100, shared=False, credentials=credentials)
    try:
        assert await asked(port, root, (shown, shown)) == 0
        inbound = gate.opened[0].inbound
        assert inbound.scheme == "https"
        assert inbound.peer.certificate.startswith(b"\x30\x82")
        assert await asked(port, root) == 14
    finally:
        await listening.stop(0.0)


def test_changed_files_are_read_anew_and_unusable_ones_change_nothing(tmp_path, capsys):
    authority = Authority(tmp_path, "authority")
    first, second = authority.sign("first", "grpc.test"), authority.sign("second", "grpc.test")
    place = tmp_path / "server.pem"
    shutil.copy(first, place)
    files = Files(grpc, place, place, None)
    assert files.read() is not None
    assert files.fresh() is None
    shutil.copy(second, place)
    os.utime(place, ns=(1, 1))
    assert files.fresh() is not None
    assert files.fresh() is None
    place.write_text("nothing")
    assert files.fresh() is None
    assert "stays" in capsys.readouterr().err
    with pytest.raises(OSError):
        server_credentials(grpc, tmp_path / "missing.pem", place)
