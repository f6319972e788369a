"""The supervisor on workers that are a few lines of Python: start, restart, signals, statuses."""

import asyncio
import json
import os
import signal
import socket
import sys
import time
from pathlib import Path

import msgspec
import pytest

from triplegate.cli import workers
from triplegate.cli.failures import Failed
from triplegate.cli.place import RUNNING, Place
from triplegate.cli.workers import Berth, Fleet
from triplegate.config.secrets import Secret
from triplegate.config.settings import Settings

WORKER = """
import json, os, signal, sys, time
folder, how = sys.argv[1], sys.argv[2]
berth = json.loads(os.environ["TRIPLEGATE_BERTH"])
number, again = berth["number"], berth["again"]
def note(word):
    with open(f"{folder}/log", "a") as log:
        log.write(f"{number} {word} {os.getpid()}\\n")
def on(word):
    def handle(*_):
        note(word)
        if word == "term" and how != "stubborn":
            sys.exit(3 if how == "failing" else 0)
    return handle
signal.signal(signal.SIGTERM, on("term"))
signal.signal(signal.SIGHUP, on("hup"))
note("again" if again else "start")
if how == "broken" or (how == "half" and number == 1) or (how == "young" and again):
    sys.exit(4)
if how != "mute":
    os.write(berth["line"], json.dumps({"addresses": {"api": "http://a"}, "faults": ["a fault"]}).encode() + b"\\n")
while True:
    time.sleep(60)
"""


class Run:
    """A fleet that runs in this process, and what its workers noted."""

    def __init__(self, folder: Path, how: str = "good", count: int = 2, grace: float = 5.0):
        self.log = folder / "log"
        settings = Settings.model_validate(
            {"workers": count, "allow_local_limits": True, "directory": str(folder), "drain": {"grace": f"{grace:g}s"}}
        )
        self.state = settings.state_path
        script = folder / "worker.py"
        script.write_text(WORKER)
        command = [sys.executable, "-S", "-E", str(script), str(folder), how]
        self.fleet = Fleet(command, dict(os.environ), {"data": 1, "control": 2}, settings)

    def noted(self, word: str) -> list[tuple[int, int]]:
        """(number, pid) of the workers that noted it."""
        lines = [line.split() for line in self.log.read_text().splitlines()] if self.log.exists() else []
        return [(int(number), int(pid)) for number, said, pid in lines if said == word]

    async def __aenter__(self):
        self.task = asyncio.ensure_future(self.fleet.run())
        await until(lambda: (self.state / RUNNING).exists() or self.task.done())
        return self

    async def __aexit__(self, *exc):
        if not self.task.done():
            for _, pid in self.noted("start") + self.noted("again"):
                kill(pid, signal.SIGKILL)
            self.fleet._end()
            await asyncio.wait({self.task}, timeout=10)


def kill(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def until(true, within: float = 10.0):
    async with asyncio.timeout(within):
        while not true():
            await asyncio.sleep(0.01)


async def test_ready_is_said_once_when_all_listen(tmp_path, capfd):
    async with Run(tmp_path, count=3) as run:
        assert sorted(number for number, _ in run.noted("start")) == [0, 1, 2]
        assert run.noted("start")[0][0] == 0, "the leader comes first"
        told = capfd.readouterr()
        assert told.out == "api      http://a\nready\n"
        assert told.err == "warning: a fault\n"
        assert json.loads((run.state / RUNNING).read_text())["pid"] == os.getpid()
        os.kill(os.getpid(), signal.SIGTERM)
        assert await run.task == 0
        assert len(run.noted("term")) == 3
        assert not any(lives(pid) for _, pid in run.noted("start"))


async def test_a_worker_that_dies_has_a_successor_within_a_second(tmp_path, capfd, monkeypatch):
    monkeypatch.setattr(workers, "STEADY", 0.0)
    async with Run(tmp_path) as run:
        pids = dict(run.noted("start"))
        begun = time.monotonic()
        kill(pids[1], signal.SIGKILL)
        await until(lambda: run.noted("again"))
        assert time.monotonic() - begun < 1
        assert [number for number, _ in run.noted("again")] == [1]
        assert lives(pids[0])
        assert "worker 1 ended (SIGKILL): another one starts" in capfd.readouterr().err
        os.kill(os.getpid(), signal.SIGINT)
        assert await run.task == 0


async def test_one_that_dies_at_every_start_is_started_ever_more_seldom(tmp_path):
    async with Run(tmp_path, "young") as run:
        kill(dict(run.noted("start"))[1], signal.SIGKILL)
        await until(lambda: len(run.noted("again")) >= 2)
        begun = time.monotonic()
        await until(lambda: len(run.noted("again")) >= 3)
        assert time.monotonic() - begun > 0.6
        os.kill(os.getpid(), signal.SIGTERM)
        begun = time.monotonic()
        assert await run.task in (0, 1)
        assert time.monotonic() - begun < 2, "a pause must not hold up the end"


@pytest.mark.parametrize("how", ["broken", "half"])
async def test_a_worker_that_does_not_come_up_at_first_ends_them_all(tmp_path, how, capfd):
    async with Run(tmp_path, how) as run:
        assert await run.task == 1
        assert not run.noted("again")
        assert len(run.noted("start")) == (1 if how == "broken" else 2)
        assert not any(lives(pid) for _, pid in run.noted("start"))
        assert "ready" not in capfd.readouterr().out
        assert not (run.state / RUNNING).exists()


async def test_one_that_never_listens_is_not_waited_for_for_ever(tmp_path, monkeypatch, capfd):
    monkeypatch.setattr(workers, "STARTED", 0.5)
    async with Run(tmp_path, "mute") as run:
        assert await run.task == 1
        assert "did not start within" in capfd.readouterr().err


async def test_a_signal_during_the_start_ends_it(tmp_path):
    run = Run(tmp_path, "mute")
    task = asyncio.ensure_future(run.fleet.run())
    await until(lambda: run.noted("start"))
    os.kill(os.getpid(), signal.SIGTERM)
    async with asyncio.timeout(5):
        assert await task == 0


async def test_a_hangup_goes_to_all(tmp_path):
    async with Run(tmp_path) as run:
        os.kill(os.getpid(), signal.SIGHUP)
        await until(lambda: len(run.noted("hup")) == 2)
        assert not run.task.done()
        os.kill(os.getpid(), signal.SIGTERM)
        assert await run.task == 0


async def test_a_second_signal_is_passed_on(tmp_path):
    async with Run(tmp_path, "stubborn") as run:
        os.kill(os.getpid(), signal.SIGTERM)
        await until(lambda: len(run.noted("term")) == 2)
        os.kill(os.getpid(), signal.SIGTERM)
        await until(lambda: len(run.noted("term")) == 4)


async def test_what_outlasts_the_grace_is_killed_and_told_by_the_status(tmp_path, monkeypatch):
    monkeypatch.setattr(workers, "OVER", 0.2)
    async with Run(tmp_path, "stubborn", grace=0.2) as run:
        os.kill(os.getpid(), signal.SIGTERM)
        async with asyncio.timeout(5):
            assert await run.task == 1
        assert not any(lives(pid) for _, pid in run.noted("start"))


async def test_a_worker_that_does_not_end_well_is_told_by_the_status(tmp_path):
    async with Run(tmp_path, "failing") as run:
        os.kill(os.getpid(), signal.SIGTERM)
        assert await run.task == 1


async def test_a_worker_ends_when_its_line_to_the_supervisor_does_and_soon(monkeypatch):
    monkeypatch.setattr(workers, "ORPHANED", 0.05)
    ours, theirs = socket.socketpair()
    told = []
    monkeypatch.setattr(os, "kill", lambda pid, number: told.append((pid, number)))
    loop = asyncio.get_running_loop()
    loop.add_reader(theirs.fileno(), workers._orphaned, theirs.fileno())
    await asyncio.sleep(0.01)
    assert told == []
    ours.close()
    await until(lambda: told)
    assert told == [(os.getpid(), signal.SIGTERM)]
    await until(lambda: len(told) > 1)
    assert told == [(os.getpid(), signal.SIGTERM)] * 2, "the second one ends the drain"
    theirs.close()


def test_what_the_supervisor_tells_comes_through():
    berth = Berth(1, 5, {"data": 8080}, again=True)
    assert msgspec.json.decode(msgspec.json.encode(berth), type=Berth) == berth


def test_a_worker_gets_the_very_settings_of_its_supervisor_secrets_included():
    written = {
        "state": {"redis": Secret("redis://:pw@127.0.0.1:1/0")},
        "store": Secret("postgresql://u:p@h/d"),
        "pepper": Secret("much of it"),
        "listeners": {"data": {"port": 0}, "status": {"port": 9}},
        "spool": {"max_bytes": "1GiB"},
        "trusted_proxies": ["10.0.0.0/8"],
        "drain": {"grace": "2s"},
        "node": "n1",
        "nodes": 2,
        "workers": 3,
        "directory": "/etc/gateway",
    }
    for settings in (Settings.model_validate(written), Settings()):
        told = msgspec.json.encode(workers.packed(settings)) + b"\n"
        assert workers.unpacked(told) == settings
        assert workers.unpacked(told).directory == settings.directory


def test_the_settings_are_read_whole_and_nothing_behind_them_is_missed():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.sendall(b"{" + b" " * 100_000 + b"}\n")
        assert len(workers._first_line(theirs.fileno())) == 100_003
        theirs.setblocking(False)
        with pytest.raises(BlockingIOError):
            theirs.recv(1)


@pytest.mark.parametrize("told", ["2", '{"number":1,"line":9999,"ports":{}}', ""])
def test_a_berth_that_no_supervisor_gave_is_refused_in_a_sentence(monkeypatch, tmp_path, told):
    (tmp_path / "triplegate.yaml").write_text("routes: {}\n")
    place = Place(tmp_path, tmp_path)
    with pytest.raises(Failed, match="only"):
        workers.join(place, {"TRIPLEGATE_BERTH": told})


def test_a_worker_whose_supervisor_died_before_it_told_anything_ends():
    ours, theirs = socket.socketpair()
    ours.close()
    with theirs:
        berth = json.dumps({"number": 1, "line": theirs.fileno(), "ports": {}})
        with pytest.raises(Failed):
            workers.join(Place(Path(), Path()), {"TRIPLEGATE_BERTH": berth})
