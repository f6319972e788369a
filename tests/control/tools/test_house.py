"""Definitions are shown with what was approved before them, those that wait first."""

from triplegate.control.tools.house import NoTools, before, pin_views
from triplegate.core.pins import Pin

FINDINGS = '[{"kind":"hidden","place":"/description","text":"U+200B ZERO WIDTH SPACE"}]'
OLD = Pin("files", "read", "a" * 64, first_seen=10.0, standing="approved", actor="ann", decided=20.0)
NEWER = Pin("files", "read", "b" * 64, first_seen=30.0, standing="approved", actor="bob", decided=40.0)
WAITS = Pin("files", "read", "c" * 64, findings=FINDINGS, first_seen=50.0)
GONE = Pin("files", "send\u200b", "d" * 64, first_seen=5.0)


def test_those_that_wait_come_first_and_say_what_is_odd() -> None:
    found = pin_views([OLD, NEWER, GONE, WAITS], {("files", "read", "c" * 64)})
    assert [one.fingerprint[0] for one in found] == ["c", "d", "b", "a"]
    first, gone, newer, old = found
    assert (first.current, first.change, first.findings[0].kind) == (True, "changed", "hidden")
    assert (gone.current, gone.change, gone.shown, gone.decided) == (False, "new", "send⟨U+200B⟩", None)
    assert (newer.change, old.change, old.actor) == ("changed", "new", "ann")
    assert old.decided is not None
    assert old.decided.timestamp() == 20.0


def test_what_is_compared_is_the_one_approved_last_before() -> None:
    every = [OLD, NEWER, WAITS]
    assert before(WAITS, every) is NEWER
    assert before(NEWER, every) is OLD
    assert before(OLD, every) is None


async def test_a_house_without_servers_has_none() -> None:
    assert await NoTools().pins() == []
