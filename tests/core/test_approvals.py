"""A question whether a call may be made waits until somebody decides."""

from triplegate.core.approvals import Approval


def test_a_fresh_one_waits() -> None:
    one = Approval("A1", "files", "files__delete", "acme", "web", "ci", "k1", "d" * 64, "", "caller", 1.0, 2.0)
    assert (one.state, one.actor, one.decided) == ("waiting", "", 0.0)
