"""Watching: changes are handed over whole; a bad one is told and the old one stays."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.config.policies import REGISTRY

from triplegate.config.faults import ConfigError
from triplegate.config.keep import keep, last_good
from triplegate.config.load import Loaded, load
from triplegate.config.watch import attempt, changes, directory_of, folders, is_configuration, watch
from triplegate.core.policy import Registry

GOOD = "services: {s: {endpoints: [http://h:%d]}}\n"


class Told:
    """A taker that keeps what it was told, as the gateway does: only good ones go into force."""

    def __init__(self, first: Loaded) -> None:
        self.outcomes: asyncio.Queue[Loaded | ConfigError] = asyncio.Queue()
        self.in_force = first

    async def __call__(self, outcome: Loaded | ConfigError) -> None:
        if isinstance(outcome, Loaded):
            self.in_force = outcome
            keep(outcome, outcome.settings.state_path)
        await self.outcomes.put(outcome)

    async def next(self) -> Loaded | ConfigError:
        return await asyncio.wait_for(self.outcomes.get(), 20)


@asynccontextmanager
async def watching(directory: Path) -> AsyncIterator[Told]:
    first = load(directory, REGISTRY, environment={})
    told, stop = Told(first), asyncio.Event()
    task = asyncio.get_running_loop().create_task(watch(directory, REGISTRY, told, stop=stop, known=first.hash))
    try:
        yield told
    finally:
        stop.set()
        await asyncio.wait_for(task, 20)


async def test_a_change_is_handed_over_and_a_bad_one_keeps_the_last_good(tmp_path: Path) -> None:
    file = tmp_path / "triplegate.yaml"
    file.write_text(GOOD % 1)
    async with watching(tmp_path) as told:
        file.write_text(GOOD % 2)  # before the watching really began, or after: it is seen
        good = await told.next()
        assert isinstance(good, Loaded)
        assert good.documents.services["s"].endpoints == ("http://h:2",)

        file.write_text("services: {s: {endpoints: [http://h:3], tmeout: 5s}}\n")
        bad = await told.next()
        assert isinstance(bad, ConfigError)
        assert str(bad).startswith("triplegate.yaml:1:41 unknown field 'tmeout'")
        assert told.in_force.documents.services["s"].endpoints == ("http://h:2",)
        kept = last_good(told.in_force.settings, REGISTRY)
        assert kept is not None
        assert kept.hash == good.hash

        file.write_text(GOOD % 2)  # the repair is told although it is what is in force: the error is over
        repaired = await told.next()
        assert isinstance(repaired, Loaded)
        assert repaired.hash == good.hash


async def test_a_change_without_meaning_is_not_handed_over(tmp_path: Path) -> None:
    file = tmp_path / "triplegate.yaml"
    file.write_text(GOOD % 1)
    async with watching(tmp_path) as told:
        file.write_text(GOOD % 2)
        await told.next()
        file.write_text("# only a comment\n" + GOOD % 2)
        (tmp_path / "more.yaml").write_text("plans: {p: {}}\n")
        outcome = await told.next()
        assert isinstance(outcome, Loaded)
        assert list(outcome.documents.plans) == ["p"]
        assert told.outcomes.empty()


def test_only_yaml_in_visible_places_counts(tmp_path: Path) -> None:
    root = tmp_path / ".triplegate" / "demo"
    assert is_configuration(root, root / "a.yaml")
    assert is_configuration(root, root / "apis" / "a.yml")
    assert is_configuration(root, root / "..data")
    assert not is_configuration(root, root / "a.txt")
    assert not is_configuration(root, root / ".triplegate" / "x.yaml")
    assert not is_configuration(root, root / ".a.yaml")


def test_a_single_file_is_watched_through_its_directory(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("")
    assert directory_of(file) == tmp_path.resolve()
    assert directory_of(tmp_path) == tmp_path.resolve()


def test_a_failure_that_nobody_foresaw_is_a_refusal(tmp_path: Path) -> None:
    def fails(source: Path, registry: Registry) -> Loaded:
        raise RuntimeError("CANARY")

    outcome = attempt(tmp_path, REGISTRY, fails)
    assert isinstance(outcome, ConfigError)
    assert str(outcome) == f"{tmp_path} cannot be read: RuntimeError"


def test_the_state_directory_is_not_watched(tmp_path: Path) -> None:
    for name in ("apis/deep", ".triplegate/spool", ".git"):
        (tmp_path / name).mkdir(parents=True)
    assert folders(tmp_path) == {tmp_path, tmp_path / "apis", tmp_path / "apis" / "deep"}
    single = tmp_path / "one.yaml"
    single.write_text("{}")
    assert folders(single) == {tmp_path}


async def test_a_file_in_a_folder_made_later_is_seen(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("{}")
    stop, seen = asyncio.Event(), asyncio.Queue()

    async def look() -> None:
        async for _ in changes(tmp_path, stop):
            seen.put_nowait(True)

    task = asyncio.create_task(look())
    async with asyncio.timeout(20):
        await seen.get()
        (tmp_path / "later").mkdir()
        await seen.get()
        while not seen.empty():
            seen.get_nowait()
        for number in range(100):  # the new folder is watched a moment after it was seen
            (tmp_path / "later" / "b.yaml").write_text(f"# {number}")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(seen.get(), 1.0)
                break
        stop.set()
        await task
