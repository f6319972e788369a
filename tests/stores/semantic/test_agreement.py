"""Two answers say the same, do not, or nobody knows."""

import pytest

from triplegate.stores.semantic.agreement import agree, said

STEPS = "Open the settings page, choose security and press reset. It takes 3 days."


@pytest.mark.parametrize(
    ("one", "other", "near", "agrees"),
    [
        (STEPS, STEPS.upper(), 0.0, True),
        (STEPS, "Sure! On the settings page choose security, then press reset. Takes 3 days to open.", 0.9, True),
        (STEPS, "Open the settings page, choose security and press reset. It takes 5 days.", 0.99, None),
        (STEPS, "Bake the bread for an hour and let it rest on a rack.", 0.2, False),
        (STEPS, "Open the settings page, choose security and do not press reset. It takes 3 days.", 0.98, None),
        (STEPS, "Call the help desk within 9 weeks and ask for a refund of the ticket.", 0.7, False),
        (STEPS, "Open settings, choose security; press reset. Then 3 letters arrive by post in turn today.", 0.7, None),
        ("", "x", 0.9, False),
    ],
)
def test_what_is_known_of_two_answers(one, other, near, agrees):
    assert agree(said(one), said(other), near) is agrees
    assert agree(said(other), said(one), near) is agrees
