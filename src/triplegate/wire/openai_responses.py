"""OpenAI's Responses: their clients, and the providers that speak them."""

from triplegate.wire.codec import ClientCodec, ProviderCodec
from triplegate.wire.openai_failures import read_error
from triplegate.wire.responses_call import edit_call, read_call, whole_usage
from triplegate.wire.responses_items import FAMILY
from triplegate.wire.responses_reader import ResponsesReader, read_reply
from triplegate.wire.responses_reading import read_request
from triplegate.wire.responses_relay import ResponsesStream
from triplegate.wire.responses_writer import ResponsesWriter, write_reply
from triplegate.wire.responses_writing import LOSSES, path, write_request


def relay(strip_usage: bool) -> ResponsesStream:
    """A look at a stream from the side; its usage is never stripped, every client of the dialect gets it."""
    return ResponsesStream()


CLIENT = ClientCodec(
    family=FAMILY,
    look=read_call,
    edit=edit_call,
    relay=relay,
    whole_usage=whole_usage,
    read_request=read_request,
    writer=ResponsesWriter,
    write_reply=write_reply,
)
PROVIDER = ProviderCodec(
    family=FAMILY,
    path=path,
    write_request=write_request,
    reader=ResponsesReader,
    read_reply=read_reply,
    read_error=read_error,
    losses=LOSSES,
)
