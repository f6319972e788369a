"""POST /completions: OpenAI's legacy completions, streamed or whole."""

from triplegate.gates.llm.call import endpoint_of
from triplegate.wire.completions import CLIENT

COMPLETIONS = endpoint_of(CLIENT, "text_completion", b"/completions")
