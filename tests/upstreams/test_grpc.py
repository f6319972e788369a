"""Channels to gRPC endpoints: one each, kept, verified, closed with their last call; statuses as the upstream said."""

import asyncio
import contextlib
import threading
from pathlib import Path

import grpc
import h2.config
import h2.connection
import h2.events
import pytest
from tests.builders import make_kit
from tests.journeys.running import free_port
from tests.servers.grpc import echoing
from tests.upstreams.test_tls import Authority

from triplegate.config.documents_base import Tls
from triplegate.core.errors import Refusal
from triplegate.samples.grpc_echo import SERVICE
from triplegate.upstreams.grpc import ChannelSettings, GrpcChannel, Waits, channel_to, now
from triplegate.upstreams.supervisor import TaskSupervisor

WAITS = Waits(10.0, 10.0)


@pytest.fixture
async def kit():
    made = make_kit(supervisor=TaskSupervisor())
    yield made
    for channel in made.states.every(GrpcChannel):
        await channel.close()
    await made.supervisor.close()


async def asked(channel, method, message=b"", metadata=(), waits=WAITS, timeout=10.0):
    """Head, messages and status of a call of one request."""
    await channel.ready(5.0)
    call = channel.ask(f"/{SERVICE}/{method}", message, metadata, timeout, waits)
    return await read(call)


async def read(call):
    head, messages = await call.head(), []
    while (message := await call.read()) is not None:
        messages.append(message)
    return head, messages, call.status


async def test_a_call_of_one_request_has_its_messages_and_its_status(kit):
    async with echoing() as echo:
        channel = channel_to(echo.url, None, ChannelSettings(), kit)
        _, messages, status = await asked(channel, "Count", b"3")
        assert (messages, status.code, status.message, status.trailers) == ([b"1", b"2", b"3"], 0, "", [])
        _, messages, status = await asked(channel, "Fail", metadata=(("x-status", "5"), ("x-details-bin", b"\x01")))
        assert (messages, status.code, status.message) == ([], 5, "failed as asked")
        assert status.trailers == [(b"grpc-status-details-bin", b"AQ")]
        assert channel.active == 0


async def test_requests_are_written_one_by_one_and_an_early_status_is_not_lost(kit):
    async with echoing() as echo:
        channel = channel_to(echo.url, None, ChannelSettings(), kit)
        await channel.ready(5.0)
        call = channel.call(f"/{SERVICE}/Collect", (), 10.0, WAITS)
        assert await call.write(b"12")
        assert await call.write(b"345")
        await call.done_writing()
        _, messages, status = await read(call)
        assert (messages, status.code) == ([b"2 5"], 0)
        for _ in range(100):
            call = channel.call(f"/{SERVICE}/Nothing", (), 10.0, WAITS)
            reading = asyncio.ensure_future(read(call))
            while await call.write(b"x" * 1000):
                pass
            _, messages, status = await reading
            assert (messages, status.code) == ([], 12)


async def test_one_channel_per_address_and_settings_outlives_reloads(kit):
    async with echoing() as echo:
        first = channel_to(echo.url, None, ChannelSettings(), kit)
        assert channel_to(echo.url, None, ChannelSettings(), kit) is first
        assert channel_to(echo.url, None, ChannelSettings(max_message=5), kit) is not first


async def test_a_channel_that_nobody_names_any_more_closes_with_its_last_call(kit):
    async with echoing() as echo:
        channel = channel_to(echo.url, None, ChannelSettings(), kit)
        await channel.ready(5.0)
        assert channel.connected
        call = channel.ask(f"/{SERVICE}/Wait", b"", (), 10.0, WAITS)
        assert await call.read() == b"waiting"
        channel.retire()
        assert channel.connected
        call.close()
        async with asyncio.timeout(5):
            while channel.active or kit.supervisor.running:
                await asyncio.sleep(0.01)
        assert not channel.connected
        with pytest.raises(Refusal) as refused:
            await channel.ready(5.0)
        assert refused.value.code == "upstream_unreachable"


async def test_an_endpoint_that_is_away_is_told_at_once_and_found_when_it_is_back(kit):
    port = free_port()
    channel = channel_to(f"http://127.0.0.1:{port}", None, ChannelSettings(), kit)
    with pytest.raises(Refusal) as refused:
        await channel.ready(5.0)
    assert (refused.value.code, channel.failing) == ("upstream_unreachable", "no connection")
    async with echoing(port=port), asyncio.timeout(10):
        while True:
            with contextlib.suppress(Refusal):
                await channel.ready(1.0)
                break
            await asyncio.sleep(0.05)
        assert channel.failing == ""


@pytest.mark.parametrize(("waits", "phase"), [(Waits(0.2, 5.0), "first byte"), (Waits(5.0, 0.2), "idle")])
async def test_silence_is_bounded_before_the_first_word_and_after_it(kit, waits, phase):
    async with echoing() as echo:
        channel = channel_to(echo.url, None, ChannelSettings(), kit)
        await channel.ready(5.0)
        method = "Collect" if phase == "first byte" else "Wait"
        call = channel.call(f"/{SERVICE}/{method}", (), 10.0, waits)
        with pytest.raises(Refusal) as refused:
            await asyncio.wait_for(read(call), 5)
        assert refused.value.code == "upstream_timeout"
        assert refused.value.reason.startswith(phase)
        assert channel.active == 0


async def test_a_message_above_the_limit_is_refused_either_way(kit):
    async with echoing() as echo:
        channel = channel_to(echo.url, None, ChannelSettings(max_message=1000), kit)
        assert (await asked(channel, "Echo", bytes(999)))[1] == [bytes(999)]
        assert (await asked(channel, "Echo", bytes(2000)))[2].code == 8


def test_a_channel_is_pinged_as_often_as_is_said():
    assert dict(ChannelSettings(keepalive=30).options())["grpc.keepalive_time_ms"] == 30_000
    assert dict(ChannelSettings(keepalive=0.1).options())["grpc.keepalive_time_ms"] == 1000
    assert "grpc.keepalive_time_ms" not in dict(ChannelSettings(keepalive=0).options())


async def test_a_certificate_is_verified_and_ours_is_shown(kit, tmp_path):
    authority = Authority(tmp_path, "authority")
    server, client = authority.sign("server", "echo.test", "localhost"), authority.sign("client", "client.test")
    pem, root = Path(server).read_bytes(), Path(authority.path).read_bytes()
    credentials = grpc.ssl_server_credentials([(pem, pem)], root, require_client_auth=True)
    shown = {"certificate": client, "key": f"file:{client}"}
    async with echoing(credentials) as echo:
        good = channel_to(echo.url, Tls(ca=authority.path, server_name="echo.test", **shown), ChannelSettings(), kit)
        assert (await asked(good, "Echo", b"1"))[1] == [b"1"]
        wrong = (
            Tls(ca=authority.path, server_name="other.test", **shown),
            Tls(ca=Authority(tmp_path, "stranger").path, server_name="echo.test", **shown),
            Tls(ca=authority.path, server_name="echo.test"),
        )
        for tls in wrong:
            channel = channel_to(echo.url, tls, ChannelSettings(), kit)
            assert channel is not good
            assert await refused_by(channel)


async def refused_by(channel):
    """Whether no call passes: TLS 1.3 tells of a missing certificate only after the connection stands."""
    try:
        for _ in range(3):
            if (await asked(channel, "Echo", b"1"))[2].code == 14:
                return True
    except Refusal as refusal:
        return refusal.code == "upstream_unreachable"
    return False


async def test_files_that_cannot_be_used_do_not_refuse_the_configuration(kit):
    channel = channel_to("https://127.0.0.1:1", Tls(ca="missing.pem"), ChannelSettings(), kit)
    assert "missing.pem" in kit.faults[0]
    with pytest.raises(Refusal) as refused:
        await channel.ready(1.0)
    assert refused.value.code == "no_backend"


async def _read(reader):
    with contextlib.suppress(ConnectionError):
        return await reader.read(65536)


class PlainHttp:
    """An HTTP/2 server that knows nothing of gRPC and answers each request with the same status."""

    def __init__(self, status):
        self.status, self.writers = status, []

    async def __aenter__(self):
        self.server = await asyncio.start_server(self._talk, "127.0.0.1", free_port())
        self.url = f"http://127.0.0.1:{self.server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *exc):
        self.server.close()
        for writer in self.writers:
            writer.transport.abort()
        await asyncio.sleep(0)

    async def _talk(self, reader, writer):
        wire = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        self.writers.append(writer)
        wire.initiate_connection()
        writer.write(wire.data_to_send())
        while content := await _read(reader):
            for event in wire.receive_data(content):
                if isinstance(event, h2.events.RequestReceived):
                    head = [(":status", str(self.status)), ("content-type", "text/html")]
                    wire.send_headers(event.stream_id, head, end_stream=True)
            writer.write(wire.data_to_send())


@pytest.mark.parametrize(
    ("status", "code"),
    [(400, 13), (401, 16), (403, 7), (404, 12), (429, 14), (502, 14), (503, 14), (504, 14), (418, 2)],
)
async def test_gr4_an_upstream_that_answers_in_plain_http_has_its_status(kit, status, code):
    async with PlainHttp(status) as upstream:
        channel = channel_to(upstream.url, None, ChannelSettings(), kit)
        assert (await asked(channel, "Echo", b"1"))[2].code == code


def test_an_accessor_that_would_wait_is_no_accessor_of_a_finished_call():
    async def waits():
        await asyncio.sleep(1)

    async def has():
        return 7

    assert now(has()) == 7
    with pytest.raises(RuntimeError):
        now(waits())


def test_a_channel_can_be_made_in_a_thread_without_a_loop():
    made = []
    kit = make_kit(supervisor=TaskSupervisor())
    url = "http://127.0.0.1:1"
    thread = threading.Thread(target=lambda: made.append(channel_to(url, None, ChannelSettings(), kit)))
    thread.start()
    thread.join(10)
    assert made[0].active == 0
    assert not made[0].connected
