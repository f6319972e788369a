"""Cohere (v2 chat) as a provider."""

from triplegate.wire.codec import ProviderCodec
from triplegate.wire.cohere_errors import read_error
from triplegate.wire.cohere_reader import CohereReader, read_reply
from triplegate.wire.cohere_request import LOSSES, path, write_request

PROVIDER = ProviderCodec(
    family="cohere",
    path=path,
    write_request=write_request,
    reader=CohereReader,
    read_reply=read_reply,
    read_error=read_error,
    losses=LOSSES,
)
