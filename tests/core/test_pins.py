"""A pin is what one server says of one tool; nobody has decided on a fresh one."""

from triplegate.core.pins import Pin


def test_a_fresh_one_waits_for_a_decision() -> None:
    pin = Pin("files", "read", "ab" * 32)
    assert (pin.standing, pin.actor, pin.findings) == ("new", "", "[]")
