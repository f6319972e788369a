"""Ids that only we can have given to a session, and only to that one."""

from hypothesis import given, settings
from hypothesis import strategies as st

from triplegate.wire.json_members import encode
from triplegate.wire.mcp_marks import Marks, Place

MARKS = Marks(b"pepper")
NAMES = st.from_regex(r"[a-z0-9-]{0,20}", fullmatch=True)


@settings(max_examples=50, deadline=None)
@given(NAMES, st.integers() | st.text(max_size=40))
def test_a_question_comes_back_to_whoever_asked_it(server, identity):
    raw = encode(identity)
    asked = MARKS.question("s1", server, raw)
    assert asked.startswith(b'"gw:')
    assert MARKS.read_question("s1", asked) == (server, raw)
    assert MARKS.read_question("s2", asked) is None
    assert Marks(b"other").read_question("s1", asked) is None


def test_an_id_that_was_made_up_answers_nothing():
    asked = MARKS.question("s1", "files", b"7")
    for forged in (b'"gw:files:OA:' + asked[-17:], asked.replace(b"files", b"other"), b"7", b'"gw:"', b"null", b'"'):
        assert MARKS.read_question("s1", forged) is None
    assert MARKS.read_question("s1", b'"gw:' + b"x" * 100_000 + b'"') is None


@settings(max_examples=50, deadline=None)
@given(NAMES, st.integers(0, 2**53), st.text(max_size=20), st.binary(max_size=60))
def test_an_event_id_names_its_place_to_its_own_session_only(server, number, call, event):
    place = Place(server, number, encode(call), event)
    mark = MARKS.event("s1", place)
    assert mark.isascii()
    assert b"\n" not in mark
    assert MARKS.read_event("s1", mark) == place
    assert MARKS.read_event("s2", mark) is None
    assert MARKS.read_event("s1", mark[:-1] + (b"a" if mark[-1:] != b"a" else b"b")) is None


def test_what_is_no_event_id_of_ours_is_none():
    for given_id in (b"", b"~", b"a~1~b~c~d", b"\xff" * 40, b"1"):
        assert MARKS.read_event("s1", given_id) is None
