"""What cannot be carried is told, or refused, as configured; never left out in silence."""

import time

import pytest

from triplegate.core.errors import Refusal
from triplegate.wire.codec import Losses


def test_losses_are_listed_once_each_in_order():
    losses = Losses()
    for name in ("seed", "logit_bias", "seed"):
        losses.lose(name)
    assert losses.names == ["seed", "logit_bias"]


def test_where_losses_are_refused_the_parameter_is_named():
    with pytest.raises(Refusal) as refused:
        Losses("reject").lose("seed", "Claude knows none")
    assert (refused.value.code, refused.value.payload["param"]) == ("unsupported_parameter", "seed")
    assert "Claude knows none" in refused.value.detail


def test_thirty_thousand_losses_are_taken_quickly_and_told_briefly():
    losses, began = Losses(), time.thread_time()
    for number in range(30_000):
        losses.lose(f"a{number}")
    assert time.thread_time() - began < 3  # twelve where each looks through those before
    told = losses.told()
    assert (told[:7], told[-15:], len(told) < 400) == (b"a0, a1,", b" and 29968 more", True)


def test_what_a_client_named_cannot_end_the_header_or_the_list():
    losses = Losses()
    for name in ("a\r\nset-cookie: b", "c, d", "é\0", "x" * 9000):
        losses.lose(name)
    assert losses.told() == b"a??set-cookie:?b, c??d, ??, " + b"x" * 64
