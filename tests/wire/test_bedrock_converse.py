"""Bedrock as a provider is one constant."""

from triplegate.wire.bedrock_converse import PROVIDER


def test_it_streams_frames_of_amazons():
    assert PROVIDER.family == "bedrock"
    assert PROVIDER.stream_type == b"application/vnd.amazon.eventstream"
