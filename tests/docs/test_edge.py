"""The limits that docs/edge.md promises are those in force."""

import re

from tests.docs.reference import DOCS

from triplegate.config.settings import Limits
from triplegate.edge import front_link, listeners
from triplegate.wire import http2_frames

ROW = re.compile(r"^\| `?([^|`]+?)`? \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)
UNITS = {"KiB": 1 << 10, "MiB": 1 << 20}


def promised() -> dict[str, int]:
    """Limit → its default as a number."""
    text = (DOCS / "edge.md").read_text()
    found = {}
    for name, value, _ in ROW.findall(text.partition("## Limits")[2].partition("\n## ")[0]):
        if value[0].isdigit():
            number, _, unit = value.partition(" ")
            found[name] = int(number) * UNITS.get(unit.split()[0] if unit else "", 1)
    return found


def test_the_table_of_limits_tells_the_defaults() -> None:
    table = promised()
    for name, value in Limits().model_dump().items():
        assert table.pop(name) == value, name
    assert table == {
        "streams of HTTP/2": listeners.STREAMS,
        "stream window of HTTP/2": listeners.STREAM_WINDOW,
        "connection window of HTTP/2": listeners.CONNECTION_WINDOW,
        "buffers of a front": front_link.BUFFER,
    }


def test_the_floods_of_http2_are_told() -> None:
    text = (DOCS / "edge.md").read_text().replace("\n", " ")
    for number, what in (
        (http2_frames.RESETS, "reset streams"),
        (http2_frames.CONTROLS, "PING"),
        (http2_frames.CONTINUED, "CONTINUATION frames"),
    ):
        assert f"{number} {what}" in text, what


def test_what_the_standard_defaults_of_the_edge_are() -> None:
    """The figures that every listener of this kind should have (8 KiB, 64 KiB, 100, 10 MiB, 10 s, 30 s, 240 B/s…)."""
    limits = Limits()
    assert (limits.uri, limits.headers, limits.fields, limits.body) == (8192, 65536, 100, 10485760)
    assert (limits.header_timeout, limits.body_idle, limits.body_rate, limits.write_idle) == (10, 30, 240, 60)
    assert (listeners.STREAMS, listeners.STREAM_WINDOW, listeners.CONNECTION_WINDOW) == (100, 65536, 1048576)
