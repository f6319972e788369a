"""The Responses dialect as the gate uses it."""

from triplegate.wire.openai_responses import CLIENT, PROVIDER


def test_both_sides_are_of_one_family_and_usage_is_never_stripped():
    assert CLIENT.family == PROVIDER.family == "openai_responses"
    event = b'data: {"type":"response.completed","response":{"usage":{"input_tokens":3,"output_tokens":1}}}\n\n'
    relay = CLIENT.relay(True)
    assert relay.feed(event) == event
    assert relay.usage is not None
    assert PROVIDER.path("m", True) == "responses"
