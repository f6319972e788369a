"""Gemini as a provider: AI Studio and Vertex, which differ in base URL and credentials only."""

from triplegate.wire.codec import ProviderCodec
from triplegate.wire.gemini_errors import read_error
from triplegate.wire.gemini_reader import GeminiReader, read_reply
from triplegate.wire.gemini_request import LOSSES, path, write_request

PROVIDER = ProviderCodec(
    family="gemini",
    path=path,
    write_request=write_request,
    reader=GeminiReader,
    read_reply=read_reply,
    read_error=read_error,
    losses=LOSSES,
)
