"""The gRPC door of a worker: shut until a route needs it, told when it cannot open, drained at the end."""

import asyncio
import os
import signal
import socket
from pathlib import Path

import grpc
import grpc.aio
import pytest
from tests.app.test_listen import listening
from tests.journeys.running import free_port, write
from tests.servers.grpc import echoing
from tests.upstreams.test_tls import Authority

from triplegate.samples.grpc_echo import SERVICE

PLAIN = "listeners: {{grpc: {{port: {port}}}}}\norgs: {{acme: {{teams: {{web: {{}}}}}}}}\n"
ROUTE = """services: {{e: {{endpoints: ["{url}"], protocol: grpc}}}}
routes: {{e: {{service: e, match: {{path: /}}, identity: none, owner: web}}}}
"""


async def ask(port, method="Echo", message=b"1", **more):
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        return await channel.unary_unary(f"/{SERVICE}/{method}")(message, timeout=10, **more)


def is_open(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


async def test_it_opens_with_the_first_route_and_stays_open(folder):
    port = free_port()
    async with echoing() as echo:
        write(folder, PLAIN.format(port=port))
        async with listening(folder) as building:
            assert not is_open(port)
            assert "grpc" not in building.addresses
            write(folder, PLAIN.format(port=port) + ROUTE.format(url=echo.url))
            await building.reloading.reload()
            async with asyncio.timeout(10):
                while not is_open(port):
                    await asyncio.sleep(0.01)
            assert await ask(port) == b"1"
            write(folder, PLAIN.format(port=port))
            await building.reloading.reload()
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await ask(port)
            assert refused.value.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_with_a_route_it_is_open_from_the_start_and_its_calls_may_end(folder):
    async with echoing() as echo:
        write(folder, PLAIN.format(port=0) + ROUTE.format(url=echo.url))
        async with listening(folder) as building:
            port = int(building.addresses["grpc"].rpartition(":")[2])
            async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
                answers = channel.unary_stream(f"/{SERVICE}/Count")(b"10", metadata=(("x-interval", "0.02"),))
                assert await answers.read() == b"1"
                os.kill(os.getpid(), signal.SIGTERM)
                assert len([one async for one in rest(answers)]) == 9
            async with asyncio.timeout(20):
                await building.ended
        assert building.ended.result() == 0


async def test_tls_is_spoken_where_it_is_written(folder):
    authority = Authority(folder, "authority")
    authority.sign("server", "grpc.test")
    tls = "{certificate: server.pem, key: file:server.pem}"
    async with echoing() as echo:
        plain = PLAIN.format(port=0).replace("port: 0", f"port: 0, tls: {tls}")
        write(folder, plain + ROUTE.format(url=echo.url))
        async with listening(folder) as building:
            url = building.addresses["grpc"]
            assert url.startswith("https://")
            credentials = grpc.ssl_channel_credentials(Path(authority.path).read_bytes())
            options = [("grpc.ssl_target_name_override", "grpc.test")]
            async with grpc.aio.secure_channel(url.removeprefix("https://"), credentials, options) as channel:
                assert await channel.unary_unary(f"/{SERVICE}/Echo")(b"1", timeout=10) == b"1"


async def rest(answers):
    while (message := await answers.read()) is not grpc.aio.EOF:
        yield message


async def test_a_port_that_is_taken_is_told_and_the_rest_serves_on(folder, capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        write(folder, PLAIN.format(port=port))
        async with listening(folder) as building:
            write(folder, PLAIN.format(port=port) + ROUTE.format(url="http://127.0.0.1:1"))
            await building.reloading.reload()
            async with asyncio.timeout(10):
                while not building.grpc_failure:
                    await asyncio.sleep(0.01)
            assert any(one.part == "gRPC" for one in building.parts.view.degraded())
    assert "gRPC routes are not served" in capsys.readouterr().err
