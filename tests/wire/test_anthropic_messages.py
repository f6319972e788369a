"""Both sides of the dialect belong together: bytes may pass between them."""

from triplegate.wire.anthropic_messages import CLIENT, PROVIDER


def test_one_family_for_both_sides():
    assert CLIENT.family == PROVIDER.family == "anthropic"
    assert (PROVIDER.path("m", True), PROVIDER.stream_type) == ("messages", b"text/event-stream")
