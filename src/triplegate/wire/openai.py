"""OpenAI's chat dialect: its clients, and the providers that speak it, OpenAI's many relatives among them."""

from triplegate.core.usage import Usage
from triplegate.wire import openai_chat
from triplegate.wire.codec import ClientCodec, ProviderCodec
from triplegate.wire.openai_failures import read_error
from triplegate.wire.openai_reader import ChatReader, read_reply
from triplegate.wire.openai_reading import read_request
from triplegate.wire.openai_stream import ChatStream
from triplegate.wire.openai_writer import ChatWriter, write_reply
from triplegate.wire.openai_writing import LOSSES, path, write_request


def relay(strip_usage: bool) -> ChatStream:
    """A look at a stream from the side."""
    return ChatStream(strip_usage=strip_usage)


def whole_usage(body: bytes) -> Usage | None:
    """Usage of a whole reply."""
    reply = openai_chat.read_reply(body)
    return reply.usage if reply is not None else None


CLIENT = ClientCodec(
    family="openai",
    look=openai_chat.read_call,
    edit=openai_chat.edit_call,
    relay=relay,
    whole_usage=whole_usage,
    read_request=read_request,
    writer=ChatWriter,
    write_reply=write_reply,
)
PROVIDER = ProviderCodec(
    family="openai",
    path=path,
    write_request=write_request,
    reader=ChatReader,
    read_reply=read_reply,
    read_error=read_error,
    losses=LOSSES,
)
