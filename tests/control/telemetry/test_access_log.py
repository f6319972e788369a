"""One line per exchange, whatever stands in it; traffic never waits for the log."""

import json
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from triplegate.control.telemetry.access_log import AccessLog, encode
from triplegate.control.telemetry.finished import Finished

Make = Callable[..., Finished]


def test_a_line_says_who_called_what_and_what_became_of_it(make_finished: Make) -> None:
    line = json.loads(
        encode([make_finished(outcome="refused", refusal="quota_exceeded", status=429, policy="p", reason="empty")])
    )
    assert line["time"] == "2026-01-01T00:00:00.500000Z"
    assert line["id"] == "01JDHOUSE"
    assert (line["gate"], line["route"], line["status"]) == ("api", "orders", 429)
    assert (line["team"], line["consumer"], line["key_id"]) == ("web", "ci", "k1")
    assert (line["refusal"], line["policy"], line["reason"]) == ("quota_exceeded", "p", "empty")
    assert line["duration_ms"] == 30.0


def test_a_line_says_what_guards_decided(make_finished: Make) -> None:
    one = make_finished()
    one.guards = ("g: block, card=1",)
    assert json.loads(encode([one]))["guards"] == ["g: block, card=1"]


def test_a_line_says_which_prompt_it_was(make_finished: Make) -> None:
    one = make_finished()
    one.prompt = "support@2"
    assert json.loads(encode([one]))["prompt"] == "support@2"


def test_cost_and_tokens_are_in_plain_units(make_finished: Make) -> None:
    line = json.loads(
        encode(
            [make_finished(gate="llm", cost=12_500_000, usage_source="provider", tokens=(10, 0, 0, 0, 0, 0, 5, 0, 0))]
        )
    )
    assert (line["cost"], line["tokens"]) == (0.00125, 15)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_log_injection_stays_one_line_with_the_same_meaning(make_finished: Make, text: str) -> None:
    encoded = encode([make_finished(reason=text, policy="p", path="/" + text)])
    assert encoded.endswith(b"\n")
    body = encoded[:-1].decode()
    assert len(body.splitlines()) == 1
    assert json.loads(body).get("reason", "") == text
    assert not any(ord(character) < 32 or 0x7F <= ord(character) < 0xA0 for character in body)


@pytest.mark.parametrize(
    "text", ["\r\nHTTP/1.1 200", "\u2028x", "\u0085x", "\x1b[2J", "\u202ereversed", "\x7f", "\x9b2J"]
)
def test_terminal_and_line_controls_are_escaped(make_finished: Make, text: str) -> None:
    body = encode([make_finished(reason=text)])[:-1].decode()
    assert body.isprintable()
    assert json.loads(body)["reason"] == text


def test_the_file_is_private_and_holds_every_line(tmp_path: Path, make_finished: Make) -> None:
    log = AccessLog(tmp_path / "access.log")
    log.start()
    for _ in range(10):
        log.take([make_finished()] * 30)
    log.close()
    path = tmp_path / "access.log"
    assert len(path.read_text().splitlines()) == 300
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_file_moved_away_is_opened_anew(tmp_path: Path, make_finished: Make) -> None:
    path = tmp_path / "access.log"
    log = AccessLog(path)
    log.start()
    path.rename(tmp_path / "access.log.1")
    log.take([make_finished()])
    log.close()
    assert (tmp_path / "access.log.1").read_text() == ""
    assert len(path.read_text().splitlines()) == 1


def test_a_pipe_that_nobody_reads_drops_and_counts_and_never_blocks(tmp_path: Path, make_finished: Make) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    log = AccessLog(pipe, bound=200_000)
    log.start()
    batch = [make_finished()] * 100
    for _ in range(40):  # about 1.5 MB: more than pipe and bound together
        log.take(batch)
    assert log.background.dropped > 0
    assert log.background.weight <= 200_000
    os.close(reader)  # lets the blocked write fail, so that the thread can end
    log.close()
    assert log.background.lost > 0


def test_a_log_that_cannot_be_opened_refuses_to_start(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        AccessLog(tmp_path / "missing" / "access.log").start()
