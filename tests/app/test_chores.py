"""What a running gateway does from time to time follows the configuration in force, and ends with it."""

import asyncio

from tests.app.conftest import CONFIGURATION, read
from tests.hostile.scripted import Upstream
from tests.journeys.running import write

from triplegate.app import Building


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
