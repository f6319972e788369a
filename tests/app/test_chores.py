"""What a running gateway does from time to time follows the configuration in force, and ends with it."""

import asyncio

from tests.app.conftest import CONFIGURATION, read
from tests.gates.mcp.moody import Moody
from tests.hostile.scripted import Upstream
from tests.journeys.running import write

from triplegate.app import Building
from triplegate.samples.http import Server


async def test_endpoints_are_asked_while_the_configuration_says_so_and_no_longer(folder):
    async def well(talk):
        await talk.head()
        await talk.say(b"HTTP/1.1 200 X\r\nContent-Length: 0\r\n\r\n")

    async with Upstream(well) as upstream:
        watched = f'endpoints: ["{upstream.url}"], health: {{interval: 100ms, timeout: 5s}}'
        write(folder, CONFIGURATION.replace('endpoints: ["http://127.0.0.1:9"]', watched))
        made = Building(read(folder), folder, {})
        try:
            await made.open()
            made.run()
            await upstream.until(lambda: upstream.connections >= 3)
            (endpoint,) = made.parts.view.endpoints()
            assert endpoint.state == "up"
            write(folder, CONFIGURATION)
            await made.reloading.reload()
            await upstream.until_idle()
            before = upstream.connections
            await asyncio.sleep(0.3)
            assert upstream.connections <= before + 1
        finally:
            await made.close()


async def test_mcp_servers_are_asked_and_are_seen_to_go_and_to_come_back(folder):
    moody = Moody()
    async with Server(moody) as server:
        watched = "health: {interval: 100ms, timeout: 10s, unhealthy: 2, healthy: 2}"
        write(folder, CONFIGURATION + f"servers: {{files: {{url: {server.url}/mcp, {watched}}}}}\n")
        made = Building(read(folder), folder, {})
        try:
            await made.open()
            made.run()

            async def seen(state, up):
                async with asyncio.timeout(20):
                    while made.tools.servers()[0].state != state:
                        await asyncio.sleep(0.02)
                families = {family.name: dict(map(tuple, family.points)) for family in made.parts.telemetry.read()}
                assert families["triplegate.upstream.up"][("server:files",)] == [up]

            for _ in range(2):
                await seen("up", 1)
                moody.mode = "fails"
                await seen("down", 0)
                moody.mode = "well"
        finally:
            await made.close()
