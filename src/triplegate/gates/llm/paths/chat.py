"""POST /chat/completions: OpenAI chat, streamed or whole."""

from triplegate.gates.llm.call import endpoint_of
from triplegate.wire.openai import CLIENT

CHAT = endpoint_of(CLIENT, "chat", b"/chat/completions")
