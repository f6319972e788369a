"""Set times are written, the others keep their value."""

import pytest
from pydantic import ValidationError

from triplegate.core.policy import Dispatch
from triplegate.policies.timeout import Timeout

NAMES = ["connect", "first_byte", "idle", "total", "attempt"]


def test_only_what_is_set_changes():
    dispatch = Dispatch(connect=1.0, total=600.0)
    Timeout(first_byte="2s", total="10s").tune(dispatch)
    assert (dispatch.connect, dispatch.first_byte, dispatch.total) == (1.0, 2.0, 10.0)


def test_it_cannot_merely_observe():
    with pytest.raises(ValidationError, match="enforce"):
        Timeout.model_validate({"total": "5s", "mode": "observe"})


@pytest.mark.parametrize("name", NAMES)
def test_each_time_reaches_the_dispatch(name):
    dispatch = Dispatch()
    Timeout.model_validate({name: "123ms"}).tune(dispatch)
    assert [one for one in NAMES if getattr(dispatch, one) == 0.123] == [name]
