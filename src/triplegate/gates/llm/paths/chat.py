"""POST /chat/completions: OpenAI chat, streamed or whole."""

from triplegate.core.usage import Usage
from triplegate.gates.llm.call import Endpoint
from triplegate.wire.codec import Relay
from triplegate.wire.openai_chat import edit_call, read_call, read_reply
from triplegate.wire.openai_stream import ChatStream


def _usage(body: bytes) -> Usage | None:
    reply = read_reply(body)
    return reply.usage if reply is not None else None


def _relay(strip_usage: bool) -> Relay:
    return ChatStream(strip_usage=strip_usage)


CHAT = Endpoint("chat", b"/chat/completions", "openai", read_call, edit_call, _usage, _relay)
