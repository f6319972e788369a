"""The command line as its users have it: in a directory of its own, with and without a gateway that runs."""

import http.server
import os
import threading
from pathlib import Path

import msgspec
import pytest
from tests.journeys.running import House, write
from tests.servers.spawn import free_port

from triplegate.cli.entry import run

CONFIGURATION = """
services: {orders: {endpoints: ["http://127.0.0.1:%d"]}}
routes:
  orders: {service: orders, match: {path: /orders}, owner: web, price: 0.5, policies: [{use: key_auth}]}
  open: {service: orders, match: {path: /open}, owner: web, identity: none}
orgs: {acme: {teams: {web: {consumers: {ci: {}}}, ops: {consumers: {bot: {}}}}}}
"""


class Done(msgspec.Struct):
    """What became of a command."""

    status: int
    out: str
    err: str


@pytest.fixture
def command(capsys, monkeypatch, tmp_path):
    """`triplegate WORDS` in this process and in a directory of the test's own."""
    for name in [name for name in os.environ if name.startswith("TRIPLEGATE_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)

    def call(*words: str, **variables: str) -> Done:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        capsys.readouterr()
        status = run(words)
        said = capsys.readouterr()
        assert "Traceback" not in said.out + said.err
        return Done(status, said.out, said.err)

    mask = os.umask(0o022)
    os.umask(mask)
    yield call
    os.umask(mask)  # the demo's is its own


class _Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *words):
        """Say nothing."""


@pytest.fixture(scope="session")
def upstream():
    """The port of an API that answers {}."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", free_port()), _Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


@pytest.fixture
def place(tmp_path: Path, upstream: int) -> Path:
    """A configuration in the test's own directory; nothing runs on it."""
    write(tmp_path, CONFIGURATION % upstream)
    return tmp_path


@pytest.fixture(scope="session")
def house(tmp_path_factory, upstream):
    """A gateway that runs on that configuration, signed in to; commands find it by `--config`."""
    folder = tmp_path_factory.mktemp("house")
    write(folder, CONFIGURATION % upstream)
    with House(folder) as running:
        running.admin("GET", "/whoami")
        yield running


@pytest.fixture
def reach(command, house):
    """A command about the running house, with its owner's token."""

    def call(*words: str) -> Done:
        return command(*words, "--config", str(house.directory), TRIPLEGATE_ADMIN_TOKEN=house.owner)

    return call
