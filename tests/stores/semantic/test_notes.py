"""Notes and sums come back as they were written; what is of another form is passed over."""

import msgspec
import pytest

from triplegate.stores.semantic.namespace import Namespace
from triplegate.stores.semantic.notes import VERSION, Note, packed, read_learnt, read_note, rows_of, write

ROW = (1.0, 0.5, 0.25, 2.0, -0.5, 0.0, 1.0)
NOTE = Note(ROW, "answer", 0.75, right=True, audited=True, node="n", questions=3, hits=2, saved=7, vetoes={"names": 1})
SAID = {"judge": "j", "judge_cost": 5, "judged": {"same": 2}}


def test_a_note_comes_back():
    assert read_note(write(NOTE)) == NOTE
    judged = msgspec.structs.replace(NOTE, **SAID)
    assert read_note(write(judged)) == judged


def test_a_note_of_before_there_were_judges_is_one_without():
    older = msgspec.msgpack.decode(write(NOTE))[:-3]
    assert read_note(write(older)) == NOTE


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xc1",
        write(msgspec.structs.replace(NOTE, version=VERSION + 1)),
        write(msgspec.structs.replace(NOTE, features=ROW[:3])),
    ],
)
def test_another_form_is_no_note(content):
    assert read_note(content) is None


def test_features_are_packed_in_rows():
    assert rows_of(packed([ROW, ROW[::-1]])) == [ROW, ROW[::-1]]
    assert rows_of(packed([])) == []


def test_a_sum_comes_back_whole_or_not_at_all():
    learnt = Namespace(0.02, 0.02).sum_up("0-5")
    assert read_learnt(write(learnt)) == learnt
    assert read_learnt(None) is None
    assert read_learnt(b"\xc1") is None
    for wrong in ({"version": VERSION + 1}, {"answers": ["one"]}, {"recent": b"123"}):
        assert read_learnt(write(msgspec.structs.replace(learnt, **wrong))) is None
