"""The doors of a worker: which there are, on which ports, and what clients are told of them."""

import socket
from types import SimpleNamespace

import pytest
from tests.app.conftest import read
from tests.journeys.running import write

from triplegate.app.doors import addresses, claim, doors
from triplegate.edge.listeners import PortTaken

LISTENERS = "listeners: {status: {port: 0}, web: {port: 0, host: 127.0.0.2}}\n"


@pytest.fixture
def settings(folder):
    write(folder, LISTENERS + (folder / "triplegate.yaml").read_text())
    return read(folder).settings


def test_each_listener_has_a_port_of_its_own(settings):
    ports = claim(settings)
    assert list(ports) == ["data", "control", "status", "web", "grpc"]
    assert len(set(ports.values())) == 5


def test_a_named_listeners_port_that_is_taken_is_told(folder):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        write(folder, f"listeners: {{web: {{port: {port}}}}}\n" + (folder / "triplegate.yaml").read_text())
        with pytest.raises(PortTaken, match=f"port {port} on 127.0.0.1 is in use"):
            claim(read(folder).settings)


def test_the_addresses_are_those_of_gates_and_of_further_listeners(settings):
    ports = {"data": 1, "control": 2, "status": 3, "web": 4}
    assert addresses(settings, ports) == {
        "api": "http://127.0.0.1:1",
        "llm": "http://127.0.0.1:1/v1",
        "mcp": "http://127.0.0.1:1/mcp",
        "control": "http://127.0.0.1:2",
        "status": "http://127.0.0.1:3",
        "web": "http://127.0.0.2:4",
    }
    told = addresses(settings, ports | {"grpc": 5}, grpc=True)
    assert told["grpc"] == "http://127.0.0.1:5"


@pytest.mark.parametrize("leads", [True, False])
async def test_clients_doors_come_first_and_only_the_leader_has_the_others(building, settings, leads):
    building.settings = settings
    building.crew = SimpleNamespace(leads=leads, close=lambda: None)
    app = SimpleNamespace(control=None)
    found = doors(building, app, claim(settings))
    assert [door.name for door in found] == ["data", "web", "grpc", *(["control", "status"] if leads else [])]
    assert [door.clients for door in found] == [True, True, True, *([False, False] if leads else [])]
