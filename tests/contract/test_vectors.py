"""Vectors: the nearest come first and bring what was kept with them, within one space; the same on every adapter."""

import numpy as np
from tests.servers.states import State


def unit(*values: float) -> bytes:
    vector = np.zeros(16, dtype=np.float32)
    vector[: len(values)] = values
    return (vector / np.linalg.norm(vector)).astype(np.float32).tobytes()


async def test_the_nearest_come_first_with_their_cosine_and_payload(state: State) -> None:
    await state.vectors.add("s", "far", unit(0, 1), b"\x00far", 60.0)
    await state.vectors.add("s", "near", unit(1, 0.1), b"near", 60.0)
    await state.vectors.add("s", "between", unit(1, 1), b"", 60.0)
    found = await state.vectors.near("s", unit(1), 2)
    assert [(one.name, one.payload) for one in found] == [("near", b"near"), ("between", b"")]
    assert abs(found[0].similarity - 1 / np.hypot(1, 0.1)) < 0.001
    assert abs(found[1].similarity - 2**-0.5) < 0.001


async def test_spaces_do_not_know_each_other(state: State) -> None:
    await state.vectors.add("a", "x", unit(1), b"a", 60.0)
    await state.vectors.add("b", "x", unit(1), b"b", 60.0)
    assert [one.payload for one in await state.vectors.near("a", unit(1), 5)] == [b"a"]
    assert await state.vectors.near("c", unit(1), 5) == []


async def test_one_is_replaced_and_dropped(state: State) -> None:
    await state.vectors.add("s", "x", unit(1), b"1", 60.0)
    await state.vectors.add("s", "x", unit(0, 1), b"2", 60.0)
    found = await state.vectors.near("s", unit(0, 1), 5)
    assert [(one.payload, round(one.similarity, 3)) for one in found] == [(b"2", 1.0)]
    await state.vectors.drop("s", "x")
    await state.vectors.drop("s", "x")
    assert await state.vectors.near("s", unit(0, 1), 5) == []


async def test_one_ends_with_its_life(state: State) -> None:
    await state.vectors.add("s", "x", unit(1), b"1", 0.05)
    await state.outlive(0.05)
    state.clock.advance(0.06)  # where the server has no vector sets, each process ends them by its own clock
    assert await state.vectors.near("s", unit(1), 5) == []


async def test_a_hundred_are_searched_whole(state: State) -> None:
    random = np.random.default_rng(1)
    vectors = random.normal(size=(100, 16)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    for number, vector in enumerate(vectors):
        await state.vectors.add("s", str(number), vector.tobytes(), b"%d" % number, 60.0)
    for number in (0, 50, 99):
        found = await state.vectors.near("s", vectors[number].tobytes(), 3)
        best = sorted(range(100), key=lambda other: -float(vectors[other] @ vectors[number]))[:3]
        assert [one.name for one in found] == [str(one) for one in best]
