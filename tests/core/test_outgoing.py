"""What is rewritten replaces; what is not stays as it came."""

from triplegate.core.outgoing import Edit, Outgoing, edited

HEADERS = [(b"x-a", b"1"), (b"x-b", b"2"), (b"x-a", b"3")]


def test_set_replaces_all_lines_add_appends_and_remove_drops():
    assert edited(HEADERS, [Edit("set", b"x-a", b"9")]) == [(b"x-b", b"2"), (b"x-a", b"9")]
    assert edited(HEADERS, [Edit("add", b"x-a", b"9")]) == [*HEADERS, (b"x-a", b"9")]
    assert edited(HEADERS, [Edit("remove", b"x-a")]) == [(b"x-b", b"2")]


def test_edits_run_in_order_and_leave_the_original_alone():
    edits = [Edit("remove", b"x-a"), Edit("add", b"x-a", b"1"), Edit("set", b"x-b", b"")]
    assert edited(HEADERS, edits) == [(b"x-a", b"1"), (b"x-b", b"")]
    assert HEADERS == [(b"x-a", b"1"), (b"x-b", b"2"), (b"x-a", b"3")]


def test_without_edits_nothing_is_copied():
    assert edited(HEADERS, ()) is HEADERS
    assert (Outgoing().path, Outgoing().edits) == (None, [])
