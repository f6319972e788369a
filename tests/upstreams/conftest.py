"""These tests run on the loop that serves."""

from triplegate.upstreams.loop import Loop


def pytest_asyncio_loop_factories(config, item):
    return {"loop": Loop}
