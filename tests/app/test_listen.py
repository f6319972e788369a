"""One worker's listeners: nothing serves before all is well, and what is under way may end."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from contextlib import asynccontextmanager

import httpx
import pytest
from tests.app.conftest import QUIET, read
from tests.journeys.running import free_port, write

from triplegate.app import listen
from triplegate.edge.listeners import PortTaken

SLOW = """
{settings}
services: {{slow: {{endpoints: ["http://127.0.0.1:{port}"]}}}}
routes: {{slow: {{service: slow, match: {{path: /slow}}, owner: web, identity: none}}}}
orgs: {{acme: {{teams: {{web: {{}}}}}}}}
"""


class Slow:
    """An upstream that answers when it is told to."""

    def __init__(self):
        self.asked, self.go = asyncio.Event(), asyncio.Event()

    async def answer(self, reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        self.asked.set()
        await self.go.wait()
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\nconnection: close\r\n\r\ndone")
        writer.close()


@pytest.fixture
async def slow():
    upstream = Slow()
    server = await asyncio.start_server(upstream.answer, "127.0.0.1", free_port())
    upstream.port = server.sockets[0].getsockname()[1]
    yield upstream
    upstream.go.set()
    server.close()
    await server.wait_closed()


@asynccontextmanager
async def listening(folder, **more):
    """A worker in this process, once it is ready; it ends with the block. Its status is in `ended`."""
    ready = asyncio.get_running_loop().create_future()
    loaded = read(folder)
    task = asyncio.get_running_loop().create_task(
        listen(loaded, folder, ready=ready.set_result, environment=QUIET, **more)
    )
    async with asyncio.timeout(30):
        await asyncio.wait({task, ready}, return_when=asyncio.FIRST_COMPLETED)
    if task.done():
        task.result()
    building = ready.result()
    building.ended = task
    try:
        yield building
    finally:
        if not task.done() and signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
            os.kill(os.getpid(), signal.SIGTERM)
            os.kill(os.getpid(), signal.SIGTERM)
        async with asyncio.timeout(20):
            await asyncio.wait({task})


async def get(url, **more):
    async with httpx.AsyncClient(timeout=10, trust_env=False) as client:
        return await client.get(url, **more)


def ipv6():
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


async def until(true):
    async with asyncio.timeout(10):
        while not await true():
            await asyncio.sleep(0.01)


async def test_once_it_is_ready_every_listener_answers_and_each_has_its_own_plane(folder):
    write(folder, "listeners: {status: {port: 0}}\n" + (folder / "triplegate.yaml").read_text())
    async with listening(folder) as building:
        urls = building.addresses
        assert urls["llm"] == f"{urls['api']}/v1"
        assert urls["mcp"] == f"{urls['api']}/mcp"
        assert (await get(f"{urls['api']}/orders")).status_code == 401
        assert "triplegate" in (await get(urls["api"])).text
        assert (await get(f"{urls['control']}/readyz")).status_code == 200
        assert (await get(f"{urls['status']}/readyz")).status_code == 200
        assert (await get(f"{urls['status']}/metrics")).status_code == 200
        assert (await get(f"{urls['status']}/admin/v1/whoami")).status_code == 404
        assert (await get(f"{urls['api']}/readyz")).status_code == 404
    assert building.ended.result() == 0


async def test_before_anything_listens_what_is_opened_is_awaited(folder):
    port = free_port()
    write(folder, f"listeners: {{data: {{port: {port}}}}}\n" + (folder / "triplegate.yaml").read_text())
    tried = []

    async def opened(building):
        with socket.socket() as probe:
            tried.append(probe.connect_ex(("127.0.0.1", port)))

    loaded = read(folder, TRIPLEGATE_PORT=str(port))
    ready = asyncio.get_running_loop().create_future()
    task = asyncio.get_running_loop().create_task(listen(loaded, folder, ready=ready.set_result, opened=opened))
    async with asyncio.timeout(30):
        await ready
    assert tried == [111]
    os.kill(os.getpid(), signal.SIGINT)
    async with asyncio.timeout(20):
        assert await task == 0


async def test_a_port_that_is_taken_starts_nothing(folder):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        loaded = read(folder, TRIPLEGATE_PORT=str(taken.getsockname()[1]))
        with pytest.raises(PortTaken, match="is in use"):
            await listen(loaded, folder, ready=lambda building: None)
    assert not (folder / ".triplegate").exists()


@pytest.mark.parametrize(("host", "shown"), [("0.0.0.0", "http://127.0.0.1:"), ("::1", "http://[::1]:")])  # noqa: S104
async def test_addresses_are_such_that_this_machine_can_call_them(folder, host, shown):
    if ":" in host and not ipv6():
        pytest.skip("no IPv6 here")
    write(folder, f"listeners: {{data: {{host: '{host}'}}}}\n" + (folder / "triplegate.yaml").read_text())
    async with listening(folder) as building:
        assert building.addresses["api"].startswith(shown)
        assert (await get(building.addresses["api"])).status_code == 200


async def test_a_call_under_way_ends_well_while_no_new_one_is_taken(folder, slow):
    write(folder, SLOW.format(port=slow.port, settings=""))
    async with listening(folder) as building, asyncio.timeout(30):
        call = asyncio.get_running_loop().create_task(get(f"{building.addresses['api']}/slow"))
        await slow.asked.wait()
        os.kill(os.getpid(), signal.SIGTERM)

        async def refuses():
            return (await get(f"{building.addresses['control']}/readyz")).status_code == 503

        await until(refuses)
        assert not building.ended.done()
        slow.go.set()
        answer = await call
        assert (answer.status_code, answer.text) == (200, "done")
        assert await building.ended == 0


@pytest.mark.parametrize("how", ["a second signal", "the grace is over"])
async def test_a_call_that_does_not_end_is_cut_in_the_end(folder, slow, how):
    grace = "30s" if how == "a second signal" else "200ms"
    write(folder, SLOW.format(port=slow.port, settings=f"drain: {{grace: {grace}}}"))
    async with listening(folder) as building, asyncio.timeout(15):
        call = asyncio.get_running_loop().create_task(get(f"{building.addresses['api']}/slow"))
        await slow.asked.wait()
        os.kill(os.getpid(), signal.SIGTERM)
        if how == "a second signal":

            async def draining():
                return building.draining

            await until(draining)
            os.kill(os.getpid(), signal.SIGTERM)
        assert await building.ended == 0
        with pytest.raises(httpx.HTTPError):
            (await call).raise_for_status()


async def test_a_hangup_reads_the_files_anew(folder):
    async with listening(folder) as building:
        write(folder, "routes: [\n")
        os.kill(os.getpid(), signal.SIGHUP)

        async def refused():
            return bool(building.gateway.last_error)

        await until(refused)
        assert building.gateway.snapshot.generation == 1


async def test_signals_are_given_back(folder):
    async with listening(folder):
        assert signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_DFL


async def test_each_listener_has_its_own_address(folder):
    hosts = "data: {host: 127.0.0.2}, control: {host: 127.0.0.3}, status: {host: 127.0.0.4, port: 0}"
    write(folder, f"listeners: {{{hosts}}}\n" + (folder / "triplegate.yaml").read_text())
    async with listening(folder) as building:
        urls = building.addresses
        for name, host in (("api", "127.0.0.2"), ("control", "127.0.0.3"), ("status", "127.0.0.4")):
            assert urls[name].startswith(f"http://{host}:")
            await get(f"{urls[name]}/")
            with pytest.raises(httpx.ConnectError):
                await get(urls[name].replace(host, "127.0.0.1") + "/")


async def test_a_further_listener_has_the_gates_and_its_name_is_known(folder, slow):
    write(folder, SLOW.format(port=slow.port, settings="listeners: {web: {port: 0}}"))
    slow.go.set()
    async with listening(folder) as building:
        url = building.addresses["web"]
        assert url != building.addresses["api"]
        seen = []
        gate = building.gateway.snapshot.gates["api"]
        opened, building.gateway.snapshot.gates["api"].open = (
            gate.open,
            lambda inbound: seen.append(inbound) or opened(inbound),
        )
        assert (await get(f"{url}/slow")).text == "done"
        assert (await get(f"{building.addresses['api']}/slow")).text == "done"
        assert [inbound.listener for inbound in seen] == ["web", "data"]


async def test_a_call_on_a_further_listener_ends_well_too(folder, slow):
    write(folder, SLOW.format(port=slow.port, settings="listeners: {web: {port: 0}}"))
    async with listening(folder) as building, asyncio.timeout(30):
        call = asyncio.get_running_loop().create_task(get(f"{building.addresses['web']}/slow"))
        await slow.asked.wait()
        os.kill(os.getpid(), signal.SIGTERM)

        async def refuses():
            return (await get(f"{building.addresses['control']}/readyz")).status_code == 503

        await until(refuses)
        slow.go.set()
        assert (await call).text == "done"
        assert await building.ended == 0


@pytest.mark.skipif(not hasattr(os, "SCHED_BATCH"), reason="the batch class is Linux's")
@pytest.mark.parametrize("cores", ["one", "all"])
def test_threads_wait_for_their_turn_where_they_share_one_core_and_only_there(cores):
    code = """
import os, sys, threading
from triplegate.app.listen import share_core
cores = sorted(os.sched_getaffinity(0))
os.sched_setaffinity(0, cores[:1] if sys.argv[1] == "one" else cores)
share_core()
found = []
thread = threading.Thread(target=lambda: found.append(os.sched_getscheduler(0)))
thread.start()
thread.join()
print(found == [os.SCHED_BATCH if len(os.sched_getaffinity(0)) == 1 else os.SCHED_OTHER])
"""
    said = subprocess.run([sys.executable, "-c", code, cores], capture_output=True, text=True, timeout=30, check=True)
    assert said.stdout == "True\n"
