"""Amazon Bedrock (Converse) as a provider."""

from triplegate.wire.bedrock_errors import read_error
from triplegate.wire.bedrock_reader import BedrockReader, read_reply
from triplegate.wire.bedrock_request import LOSSES, path, write_request
from triplegate.wire.codec import ProviderCodec

PROVIDER = ProviderCodec(
    family="bedrock",
    path=path,
    write_request=write_request,
    reader=BedrockReader,
    read_reply=read_reply,
    read_error=read_error,
    stream_type=b"application/vnd.amazon.eventstream",
    losses=LOSSES,
)
