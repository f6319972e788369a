"""Anthropic messages, both sides."""

from triplegate.wire import anthropic_asking as asking
from triplegate.wire.anthropic_call import edit_call, read_call
from triplegate.wire.anthropic_failures import read_error
from triplegate.wire.anthropic_reader import MessagesReader, read_reply
from triplegate.wire.anthropic_relay import MessagesRelay
from triplegate.wire.anthropic_request import FAMILY, read_request
from triplegate.wire.anthropic_usage import whole_usage
from triplegate.wire.anthropic_writer import MessagesWriter, write_reply
from triplegate.wire.codec import ClientCodec, ProviderCodec

CLIENT = ClientCodec(
    FAMILY, read_call, edit_call, MessagesRelay, whole_usage, read_request, MessagesWriter, write_reply
)
PROVIDER = ProviderCodec(
    FAMILY,
    asking.path,
    asking.write_request,
    MessagesReader,
    read_reply,
    read_error,
    losses=asking.LOSSES,
)
