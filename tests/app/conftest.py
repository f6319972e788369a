"""A worker built in the test's own process, on a configuration of its own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.journeys.running import write

from triplegate.app import Building
from triplegate.config.load import load
from triplegate.policies import registry

QUIET = {"TRIPLEGATE_PORT": "0", "TRIPLEGATE_ADMIN_PORT": "0", "TRIPLEGATE_ACCESS_LOG": "off", "TRIPLEGATE_NODE": "n1"}
CONFIGURATION = """
services: {orders: {endpoints: ["http://127.0.0.1:9"]}}
routes:
  orders: {service: orders, match: {path: /orders}, owner: web, price: 0.5, policies: [{use: key_auth}]}
orgs: {acme: {teams: {web: {consumers: {ci: {}}}}}}
"""


def read(folder: Path, **variables: str):
    """The configuration in a folder, with only these variables and the quiet ones."""
    return load(folder, registry(), environment={**QUIET, **variables})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path, CONFIGURATION)
    return tmp_path


@pytest.fixture
async def building(folder: Path) -> AsyncIterator[Building]:
    """Opened, not running."""
    made = Building(read(folder), folder, {"api": "http://api", "control": "http://control"}, environment=QUIET)
    try:
        await made.open()
        yield made
    finally:
        await made.close()
