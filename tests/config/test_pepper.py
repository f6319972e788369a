"""The pepper: made once, kept private, the same for all workers."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from triplegate.config.pepper import load_pepper
from triplegate.config.secrets import Secret
from triplegate.config.settings import Settings


def test_it_is_made_once_and_readable_by_the_owner_only(tmp_path: Path) -> None:
    settings = Settings(directory=str(tmp_path))
    first = load_pepper(settings)
    assert len(first) == 64
    assert load_pepper(settings) == first
    path = tmp_path / ".triplegate" / "pepper"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_workers_that_start_together_have_the_same(tmp_path: Path) -> None:
    settings = Settings(directory=str(tmp_path))
    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(lambda _: load_pepper(settings), range(32)))) == 1


def test_a_given_one_is_used_and_nothing_is_written(tmp_path: Path) -> None:
    assert load_pepper(Settings(directory=str(tmp_path), pepper=Secret("given"))) == b"given"
    assert not list(tmp_path.iterdir())


def test_a_directory_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / ".triplegate").write_text("a file is in the way")
    with pytest.raises(OSError):
        load_pepper(Settings(directory=str(tmp_path)))
