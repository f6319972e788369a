"""A name is asked for once, whoever asks; names that hang neither fill every thread nor keep a process from ending."""

import asyncio
import socket
import subprocess
import sys
import textwrap
import threading

import pytest
from tests.upstreams.names import Answers

from triplegate.upstreams import lookups as module
from triplegate.upstreams.lookups import Address, Lookups

V4 = socket.AF_INET
ONE = Address(V4, ("192.0.2.1", 80))


class Servers:
    """Name servers that answer when they are let."""

    def __init__(self):
        self.asked = []
        self.let = threading.Event()
        self.answer = [(V4, socket.SOCK_STREAM, 6, "", ("192.0.2.1", 80))] * 2

    def __call__(self, host, port, **options):
        self.asked.append(host)
        if host.startswith("hangs"):
            self.let.wait(20)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def servers():
    found = Servers()
    yield found
    found.let.set()


async def test_200_calls_ask_once_and_later_ones_again(servers):
    lookups = Lookups(servers)
    calls = [asyncio.create_task(lookups.addresses("hangs.test", 80)) for _ in range(200)]
    await asyncio.sleep(0)
    servers.let.set()
    assert await asyncio.gather(*calls) == [(ONE,)] * 200
    assert servers.asked == ["hangs.test"]
    assert await lookups.addresses("hangs.test", 80) == (ONE,)
    assert len(servers.asked) == 2


async def test_who_asks_first_may_leave(servers):
    told = []
    lookups = Lookups(servers)
    lookups.told = lambda key, answer: told.append((key, answer))
    first, second = (asyncio.create_task(lookups.addresses("hangs.test", 80)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    servers.let.set()
    assert await second == (ONE,)
    assert first.cancelled()
    assert told == [(("hangs.test", 80), (ONE,))]


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (socket.gaierror(socket.EAI_NONAME, "no such name"), "no such name"),
        (UnicodeError("label too long"), "is not a host name"),
        (OverflowError("port"), "is not a host name"),
        ([], "no addresses"),
    ],
)
async def test_a_failure_is_told_to_each_as_an_error_of_its_own(servers, answer, why):
    servers.answer = answer
    lookups = Lookups(servers)
    calls = [lookups.addresses("a.test", 80) for _ in range(3)]
    errors = await asyncio.gather(*calls, return_exceptions=True)
    assert all(isinstance(error, OSError) and why in str(error) for error in errors)
    assert len(set(map(id, errors))) == 3
    assert servers.asked == ["a.test"]


async def test_names_that_hang_are_few_at_once_and_the_others_come_after(servers):
    lookups = Lookups(servers)
    calls = [asyncio.create_task(lookups.addresses(f"hangs{number}.test", 80)) for number in range(40)]
    await asyncio.sleep(0)
    assert len(servers.asked) <= 16
    servers.let.set()
    assert await asyncio.gather(*calls) == [(ONE,)] * 40
    assert len(servers.asked) == 40


async def test_more_names_than_a_bound_are_refused(servers, monkeypatch):
    monkeypatch.setattr(module, "_MOST", 2)
    lookups = Lookups(servers)
    calls = [asyncio.create_task(lookups.addresses(f"hangs{number}.test", 80)) for number in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(OSError, match="too many names"):
        await lookups.addresses("hangs2.test", 80)
    servers.let.set()
    await asyncio.gather(*calls)
    assert await lookups.addresses("a.test", 80) == (ONE,)


async def test_a_look_up_is_bounded_in_time_and_its_name_not_asked_for_beside_it(servers, monkeypatch):
    monkeypatch.setattr(module, "_LONGEST", 0.05)
    lookups = Lookups(servers)
    for _ in range(5):
        with pytest.raises(OSError, match="nobody answers for the name"):
            await lookups.addresses("hangs.test", 80)
    assert servers.asked == ["hangs.test"]
    monkeypatch.undo()
    servers.let.set()
    assert await lookups.addresses("hangs.test", 80) == (ONE,)


async def test_without_a_thread_the_call_is_told(servers, monkeypatch):
    def start(thread):
        raise RuntimeError("can't start new thread")

    lookups = Lookups(servers)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", start)
        with pytest.raises(OSError, match="new thread"):
            await lookups.addresses("a.test", 80)
    assert await lookups.addresses("a.test", 80) == (ONE,)


def test_a_process_ends_while_its_names_hang():
    program = """
        import asyncio, time, uvloop
        from triplegate.upstreams.lookups import Lookups

        async def main():
            lookups = Lookups(lambda *name, type: time.sleep(60))
            calls = [asyncio.create_task(lookups.addresses(f"{n}.test", 80)) for n in range(40)]
            await asyncio.wait(calls, timeout=0.1)

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(main())
    """
    ran = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], capture_output=True, timeout=20, text=True, check=True
    )
    assert ran.stderr == ""


def test_an_answer_after_the_end_of_its_loop_is_dropped(servers):
    lookups = Lookups(servers)

    async def leave():
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(lookups.addresses("hangs.test", 80), 0.05)

    asyncio.run(leave())
    servers.let.set()
    for thread in threading.enumerate():
        if thread.name == "name hangs.test":
            thread.join(5)  # an error in it would fail this test


async def test_answers_are_told_before_those_who_wait_go_on():
    class Fixed:
        rows, hangs, asked = (ONE,), False, 0

    lookups, seen = Answers(Fixed), []
    lookups.told = lambda key, answer: seen.append(key)
    await lookups.addresses("a.test", 80)
    assert seen == [("a.test", 80)]
