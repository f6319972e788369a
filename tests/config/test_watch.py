"""Watching: changes are handed over whole; a bad one is told and the old one stays."""

import asyncio
import contextlib
from pathlib import Path

from tests.config.policies import REGISTRY

from triplegate.config.faults import ConfigError
from triplegate.config.load import Loaded
from triplegate.config.watch import attempt, changes, directory_of, folders, is_configuration
from triplegate.core.policy import Registry


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
