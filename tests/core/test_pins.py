"""A pin is what one server says of one tool; nobody has decided on a fresh one."""

import pytest

from triplegate.core.pins import Pin, Pinnable, kind_of, label_of


def test_a_fresh_one_waits_for_a_decision() -> None:
    pin = Pin("files", "read", "ab" * 32)
    assert (pin.standing, pin.actor, pin.findings) == ("new", "", "[]")


@pytest.mark.parametrize(
    ("kind", "name", "label"),
    [
        ("tool", "read", "read"),
        ("prompt", "read", "prompt:read"),
        ("resource", "file:///a", "resource:file:///a"),
        ("tool", "prompt:read", "tool:prompt:read"),
        ("tool", "tool:prompt:read", "tool:tool:prompt:read"),
        ("tool", "Prompt:read", "Prompt:read"),
    ],
)
def test_no_two_items_are_called_the_same(kind: Pinnable, name: str, label: str) -> None:
    assert label_of(kind, name) == label
    assert kind_of(label) == kind
