"""HTTP/2 by its frame heads: the same streams and floods are seen however the bytes are cut."""

import pytest

from triplegate.wire import http2_frames
from triplegate.wire.http2_frames import CALM, CONTINUED, CONTROLS, PERIOD, PREFACE, RESETS, Http2Watch

DATA, HEADERS, PRIORITY, RST, SETTINGS, PING, CONTINUATION = 0, 1, 2, 3, 4, 6, 9


def frame(kind: int, stream: int = 0, flags: int = 0, content: bytes = b"") -> bytes:
    return len(content).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + content


class Clock:
    time = 0.0

    def __call__(self) -> float:
        return self.time


def watched() -> Http2Watch:
    watch = Http2Watch(Clock())
    watch.client(PREFACE)
    return watch


@pytest.mark.parametrize("size", [1, 2, 8, 9, 10, 23, 24, 25, 1000])
def test_streams_open_and_end_however_the_bytes_are_cut(size: int) -> None:
    watch = Http2Watch(Clock())
    client = PREFACE + frame(SETTINGS) + frame(HEADERS, 1, 4, b"x" * 30) + frame(DATA, 1, 1, b"y" * 50)
    client += frame(HEADERS, 3, 5, b"z")
    for start in range(0, len(client), size):
        watch.client(client[start : start + size])
    assert (watch.open, watch.last, watch.heading) == ({1, 3}, 3, 0)
    server = (
        frame(SETTINGS) + frame(HEADERS, 1, 4, b"h" * 20) + frame(DATA, 1, 1, b"d" * 33) + frame(RST, 3, 0, bytes(4))
    )
    for start in range(0, len(server), size):
        watch.server(server[start : start + size])
    assert watch.open == set()
    assert watch.goaway(CALM) == frame(7, 0, 0, (3).to_bytes(4, "big") + (11).to_bytes(4, "big"))


def test_trailers_open_no_stream_again() -> None:
    watch = watched()
    watch.client(frame(HEADERS, 1, 4, b"a"))
    watch.server(frame(HEADERS, 1, 5, b"b"))
    watch.client(frame(HEADERS, 1, 5, b"t"))
    assert watch.open == set()


def test_no_frame_of_ours_is_put_into_one_of_the_servers() -> None:
    watch = watched()
    watch.server(frame(DATA, 1, 0, b"abc")[:-1])
    assert watch.goaway(CALM) == b""
    watch.server(b"c")
    assert watch.goaway(CALM) != b""


def test_a_header_block_that_was_begun_is_owed_until_its_last_byte() -> None:
    watch = watched()
    assert watch.heading == 0
    watch.client(frame(HEADERS, 1, 1, b"block"))
    assert watch.heading == 1
    watch.client(frame(CONTINUATION, 1, 0, b"more"))
    assert watch.heading == 1
    whole = frame(CONTINUATION, 1, 4, b"end")
    watch.client(whole[:-1])
    assert watch.heading == 1
    watch.client(whole[-1:])
    assert watch.heading == 0
    watch.client(frame(DATA, 1, 1, b"abc")[:-1])
    assert watch.heading == 0


@pytest.mark.parametrize(
    ("piece", "limit", "flood"),
    [
        (frame(RST, 1, 0, bytes(4)), RESETS, "resets"),
        (frame(PING, 0, 0, bytes(8)), CONTROLS, "control frames"),
        (frame(SETTINGS), CONTROLS, "control frames"),
        (frame(PRIORITY, 1, 0, bytes(5)), CONTROLS, "control frames"),
        (frame(DATA, 1), CONTROLS, "control frames"),
    ],
)
def test_a_flood_is_seen_within_its_period(piece: bytes, limit: int, flood: str) -> None:
    watch = watched()
    watch.client(piece * limit)
    assert watch.flood == ""
    watch._now.time = PERIOD + 1  # type: ignore[attr-defined]
    watch.client(piece * limit)
    assert watch.flood == ""
    watch.client(piece)
    assert watch.flood == flood


def test_resets_that_a_client_provokes_count_like_its_own() -> None:
    watch = watched()
    watch.server(frame(RST, 1, 0, bytes(4)) * (RESETS + 1))
    assert watch.flood == "resets"


def test_answers_of_a_client_and_window_updates_are_no_flood() -> None:
    watch = watched()
    watch.client((frame(PING, 0, 1, bytes(8)) + frame(SETTINGS, 0, 1) + frame(8, 0, 0, bytes(4))) * (CONTROLS + 1))
    assert watch.flood == ""


def test_a_header_block_that_goes_on_for_ever_is_a_flood() -> None:
    watch = watched()
    watch.client(frame(HEADERS, 1, 0, b"a") + frame(CONTINUATION, 1, 0, b"b") * (CONTINUED - 1))
    assert watch.flood == ""
    watch.client(frame(CONTINUATION, 1, 0, b"b") * 2)
    assert watch.flood == "continuations"
    assert http2_frames.NO_ERROR == 0
