"""Set times are written, the others keep their value."""

from triplegate.core.policy import Dispatch
from triplegate.policies.timeout import Timeout


def test_only_what_is_set_changes():
    dispatch = Dispatch(connect=1.0, total=600.0)
    Timeout(first_byte="2s", total="10s").tune(dispatch)
    assert (dispatch.connect, dispatch.first_byte, dispatch.total) == (1.0, 2.0, 10.0)
