"""Bedrock as a provider is one constant."""

from triplegate.wire.bedrock_converse import PROVIDER
from triplegate.wire.neutral import Media, Message, Request, Tool, ToolResult


def test_it_streams_frames_of_amazons():
    assert PROVIDER.family == "bedrock"
    assert PROVIDER.stream_type == b"application/vnd.amazon.eventstream"


def test_every_stated_loss_is_a_field_of_requests_or_of_their_parts():
    kinds = (Request, Message, Media, Tool, ToolResult)
    assert set(PROVIDER.losses) <= {name for kind in kinds for name in kind.__struct_fields__} | {"media"}
