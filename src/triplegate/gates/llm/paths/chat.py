"""POST /chat/completions: OpenAI chat, streamed or whole."""

from triplegate.core.usage import Usage
from triplegate.gates.llm.call import Dialect
from triplegate.wire.openai_chat import ChatCall, edit_call, read_call, read_reply


def _edit(call: ChatCall, model: str, ask_usage: bool) -> bytes:
    return edit_call(call, model=model, include_usage=ask_usage)


def _usage(body: bytes) -> Usage | None:
    reply = read_reply(body)
    return reply.usage if reply is not None else None


CHAT = Dialect("chat", b"/chat/completions", read_call, _edit, _usage, streams=True)
