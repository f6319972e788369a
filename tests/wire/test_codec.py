"""What cannot be carried is told, or refused, as configured; never left out in silence."""

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
