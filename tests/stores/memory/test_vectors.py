"""What one process keeps is bounded; the contract suite shows the rest."""

import numpy as np
import pytest

import triplegate.stores.memory.vectors as module
from triplegate.core.clock import SetClock
from triplegate.stores.memory.vectors import MemoryVectors


def unit(angle):
    return np.array([np.cos(angle), np.sin(angle)], dtype=np.float32).tobytes()


async def test_the_oldest_row_of_a_full_space_goes_first(monkeypatch):
    monkeypatch.setattr(module, "_MOST", 3)
    vectors = MemoryVectors(SetClock())
    for number in range(5):
        await vectors.add("s", str(number), unit(number / 10), b"", 60)
    assert sorted(one.name for one in await vectors.near("s", unit(0), 9)) == ["2", "3", "4"]
    await vectors.drop("s", "0")
    await vectors.add("s", "3", unit(0), b"new", 60)
    assert (await vectors.near("s", unit(0), 1))[0].payload == b"new"


async def test_the_space_that_was_used_longest_ago_goes_first(monkeypatch):
    monkeypatch.setattr(module, "_SPACES", 2)
    vectors = MemoryVectors(SetClock())
    for space in ("a", "b"):
        await vectors.add(space, "x", unit(0), b"", 60)
    await vectors.near("a", unit(0), 1)
    await vectors.add("c", "x", unit(0), b"", 60)
    assert [bool(await vectors.near(space, unit(0), 1)) for space in "abc"] == [True, False, True]


async def test_vectors_of_another_length_are_refused():
    vectors = MemoryVectors(SetClock())
    await vectors.add("s", "x", unit(0), b"", 60)
    with pytest.raises(ValueError, match="a vector of 1 where all others have 2"):
        await vectors.add("s", "y", b"\0\0\0\0", b"", 60)


async def test_rows_stand_in_matrices_of_bounded_size_that_are_never_copied_whole(monkeypatch):
    monkeypatch.setattr(module, "_FIRST", 2)
    monkeypatch.setattr(module, "_BLOCK", 4)
    vectors = MemoryVectors(SetClock())
    for number in range(11):
        await vectors.add("s", str(number), unit(number / 10), b"", 60)
    assert [len(block) for block in vectors._spaces["s"].blocks] == [4, 4, 4]
    near = await vectors.near("s", unit(1.02), 3)
    assert [one.name for one in near] == ["10", "9", "8"]
    assert near[0].similarity == pytest.approx(np.cos(0.02), abs=1e-6)
    await vectors.drop("s", "10")
    await vectors.add("s", "5", unit(1.01), b"moved", 60)
    assert [(one.name, one.payload) for one in await vectors.near("s", unit(1.02), 2)] == [("5", b"moved"), ("9", b"")]
