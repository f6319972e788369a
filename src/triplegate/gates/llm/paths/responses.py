"""POST /responses: OpenAI's Responses, streamed or whole; what is stored of them has paths of its own."""

from triplegate.gates.llm.call import endpoint_of
from triplegate.wire.openai_responses import CLIENT

RESPONSES = endpoint_of(CLIENT, "chat", b"/responses")
