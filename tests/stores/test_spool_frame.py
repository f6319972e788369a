"""Spool entries: whole ones come back as they were, damage is skipped and counted."""

import random
import struct
import zlib

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.stores.ledger_records import ATTEMPT, intent, record

from triplegate.core.record import AttemptRecord, Record
from triplegate.stores.spool_frame import HEADER, MAX_PAYLOAD, frame, scan

FRAMES = [frame(record(exchange=f"x{n}")) for n in range(20)]
FILE = b"".join(FRAMES)


def names(stretch: bytes, *, last: bool = True) -> list[str]:
    return [entry.record.exchange for entry in scan(stretch, 0, last=last).entries]


def test_an_entry_is_length_checksum_and_messagepack() -> None:
    given = record(exchange="x")
    entry = frame(given)
    length, checksum = struct.unpack_from("<II", entry)
    assert length == len(entry) - 8
    assert checksum == zlib.crc32(entry[8:])
    fields = msgspec.msgpack.decode(entry[8:])
    assert fields[:3] == ["x", 1, "final"]
    attempts = fields[Record.__struct_fields__.index("attempts")]
    assert attempts[0][:4] == [1, "first", "openai", "smart/openai"]


def test_an_entry_of_an_older_program_has_fewer_fields() -> None:
    given = record(exchange="x")
    fields = msgspec.msgpack.decode(frame(given)[8:])[: Record.__struct_fields__.index("calls")]
    fields[-1][0] = fields[-1][0][: AttemptRecord.__struct_fields__.index("price_version")]
    body = msgspec.msgpack.encode(fields)
    [entry] = scan(struct.pack("<II", len(body), zlib.crc32(body)) + body, 0, last=True).entries
    assert entry.record == given


def test_whole_entries_come_back_as_they_were() -> None:
    found = scan(FILE, 1_000, last=True)
    assert [entry.record for entry in found.entries] == [record(exchange=f"x{n}") for n in range(20)]
    assert (found.end, found.damaged) == (1_000 + len(FILE), 0)
    assert found.entries[0].end == 1_000 + len(FRAMES[0])


def test_a_limit_ends_between_entries() -> None:
    found = scan(FILE, 0, last=True, limit=7)
    assert len(found.entries) == 7
    assert found.end == sum(map(len, FRAMES[:7]))


@pytest.mark.parametrize(("exchange", "limit"), [("01KAR2AAAAAAAAAAAAAAAAAAA", 5), ("short", 10)])
def test_intents_are_stepped_over_and_count_for_nothing(exchange: str, limit: int) -> None:
    pairs = [(intent(f"{exchange}{n}"), record(exchange=f"{exchange}{n}")) for n in range(9)]
    file = b"".join(frame(one) for pair in pairs for one in pair)
    found = scan(file, 0, last=True, limit=limit, intents=False)
    finals = [entry.record for entry in found.entries if entry.record is not None and entry.record.kind == "final"]
    assert finals == [final for _, final in pairs[:5]]
    assert [entry.end for entry in found.entries] == [entry.end for entry in scan(file, 0, last=True).entries][:10]
    assert found.damaged == 0


def test_what_only_looks_like_an_intent_is_read() -> None:
    for other in (
        record(part=200, kind="interim"),
        record(kind="interim"),
        record(exchange="\xa6intent".ljust(26, "x")),
    ):
        assert [entry.record for entry in scan(frame(other), 0, last=True, intents=False).entries] == [other]


def test_a_damaged_intent_is_no_entry() -> None:
    hurt = bytearray(frame(intent("01KAR2AAAAAAAAAAAAAAAAAAAA")))
    hurt[60] ^= 1
    found = scan(bytes(hurt) + FRAMES[0], 0, last=True, intents=False)
    assert ([entry.record.exchange for entry in found.entries], found.damaged) == (["x0"], 1)


def test_an_unfinished_tail_is_waited_for_and_skipped_when_nothing_can_follow() -> None:
    torn = FILE[:-5]
    waiting = scan(torn, 0, last=False)
    assert (len(waiting.entries), waiting.end, waiting.damaged) == (19, len(FILE) - len(FRAMES[-1]), 0)
    over = scan(torn, 0, last=True)
    assert (len(over.entries), over.end, over.damaged) == (19, len(torn), 1)


@pytest.mark.parametrize("tail", [b"\0" * 4_096, b"\xff" * 100, b"\x10", b"\xdc\x00" * 50])
def test_a_tail_of_rubbish_is_one_damaged_place(tail: bytes) -> None:
    found = scan(FILE + tail, 0, last=True)
    assert (len(found.entries), found.damaged, found.end) == (20, 1, len(FILE) + len(tail))


@given(place=st.integers(0, len(FILE) - 1), flip=st.integers(1, 255))
@settings(max_examples=200, deadline=None)
def test_one_flipped_byte_costs_one_entry_and_never_invents_one(place: int, flip: int) -> None:
    damaged = bytearray(FILE)
    damaged[place] ^= flip
    found = scan(bytes(damaged), 0, last=True)
    assert len(found.entries) == 19
    assert found.damaged == 1
    whole = {f"x{n}" for n in range(20)}
    assert {entry.record.exchange for entry in found.entries} < whole


@given(st.data())
@settings(max_examples=100, deadline=None)
def test_a_file_read_in_stretches_reads_as_in_one(data: st.DataObject) -> None:
    rubbish = random.Random(data.draw(st.integers(0, 1000))).randbytes(data.draw(st.integers(0, 40_000)))
    place = sum(map(len, FRAMES[: data.draw(st.integers(0, 20))]))
    file = FILE[:place] + rubbish + FILE[place:]
    size = data.draw(st.integers(2 * (HEADER.size + MAX_PAYLOAD), 80_000))
    found: list[str] = []
    at = 0
    while at < len(file):
        stretch = file[at : at + size]
        part = scan(stretch, at, last=at + len(stretch) >= len(file), limit=3)
        assert part.end > at
        found += [entry.record.exchange for entry in part.entries]
        at = part.end
    assert found == [f"x{n}" for n in range(20)]


@given(st.binary(max_size=600))
@settings(max_examples=200, deadline=None)
def test_no_rubbish_is_read_as_a_record(rubbish: bytes) -> None:
    found = scan(rubbish, 0, last=True)
    assert (found.entries, found.end) == ([], len(rubbish))


def test_a_valid_checksum_over_something_else_is_damage() -> None:
    other = msgspec.msgpack.encode([None] * 50)
    alien = struct.pack("<II", len(other), zlib.crc32(other)) + other
    found = scan(FRAMES[0] + alien + FRAMES[1], 0, last=True)
    assert [entry.record.exchange for entry in found.entries] == ["x0", "x1"]
    assert found.damaged == 1


def test_what_no_encoder_takes_is_cut_and_kept() -> None:
    long = "e" * 100_000
    hard = record(
        end_user="\ud800" + long, cost=1 << 70, attempts=(msgspec.structs.replace(ATTEMPT, upstream_id=long),) * 99
    )
    entry = frame(hard)
    assert len(entry) <= MAX_PAYLOAD + HEADER.size
    [found] = scan(entry, 0, last=True).entries
    assert found.record.exchange == hard.exchange
    assert found.record.end_user == "?" + "e" * 127
    assert found.record.cost == (1 << 62) - 1
    assert len(found.record.attempts) == 16


def test_the_largest_possible_entry_fits_the_room_kept_for_it() -> None:
    wide = {
        name: "\N{SNOWMAN}" * 9_999
        for name, value in msgspec.structs.asdict(record()).items()
        if isinstance(value, str) and name not in {"kind", "outcome"}
    }
    texts = dict.fromkeys(("role", "provider", "target", "credential_id", "error_class", "upstream_id"), "☃" * 9999)
    tries = (msgspec.structs.replace(ATTEMPT, tokens=(1 << 62,) * 9, usage_source="\N{SNOWMAN}" * 99, **texts),) * 50
    entry = frame(record(**wide, tokens=(1 << 62,) * 9, attempts=tries))
    assert len(entry) <= HEADER.size + MAX_PAYLOAD
    assert names(entry) == ["\N{SNOWMAN}" * 42]


def test_an_entry_of_an_older_program_with_fewer_fields_is_read() -> None:
    fields = msgspec.msgpack.decode(frame(intent("old"))[8:])[:-1]
    payload = msgspec.msgpack.encode(fields)
    [found] = scan(struct.pack("<II", len(payload), zlib.crc32(payload)) + payload, 0, last=True).entries
    assert found.record == intent("old")
