"""The health of gRPC endpoints: what grpc.health.v1 says, or whether they can be reached at all."""

import pytest
from tests.builders import make_kit
from tests.journeys.running import free_port
from tests.servers.grpc import echoing

from triplegate.config.documents_service import HealthDocument
from triplegate.upstreams.grpc import ChannelSettings, GrpcChannel, channel_to
from triplegate.upstreams.grpc_health import serves
from triplegate.upstreams.supervisor import TaskSupervisor

RULES = HealthDocument(timeout=5.0)


@pytest.fixture
async def reach():
    kit = make_kit(supervisor=TaskSupervisor())
    yield lambda url: channel_to(url, None, ChannelSettings(), kit)
    for channel in kit.states.every(GrpcChannel):
        await channel.close()


async def test_what_is_asked_about_is_told_of(reach):
    async with echoing() as echo:
        channel = reach(echo.url)
        assert await serves(channel, RULES) == ""
        assert await serves(channel, HealthDocument(timeout=5.0, service="a.B")) == ""
        assert list(echo.questions) == [b"", b"\x0a\x03a.B"]
        echo.health = b"\x08\x02"
        assert await serves(channel, RULES) == "not serving"
        assert await serves(channel, HealthDocument(timeout=5.0, tcp=True)) == ""
        echo.health = None
        assert await serves(channel, RULES) == "status 12: no health"
        assert channel.active == 0


async def test_one_that_is_silent_or_away_is_not(reach):
    async with echoing() as echo:
        echo.health = b""  # it waits
        assert await serves(reach(echo.url), HealthDocument(timeout=0.1))
    away = reach(f"http://127.0.0.1:{free_port()}")
    assert "no connection" in await serves(away, HealthDocument(timeout=5.0, tcp=True))
