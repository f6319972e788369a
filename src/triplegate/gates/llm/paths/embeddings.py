"""POST /embeddings: OpenAI embeddings."""

from triplegate.gates.llm.call import Endpoint
from triplegate.wire.openai_embeddings import EmbeddingsCall, edit_call, read_call, read_reply_usage


def _edit(call: EmbeddingsCall, *, model: str, include_usage: bool) -> bytes:
    return edit_call(call, model=model)


EMBEDDINGS = Endpoint("embeddings", b"/embeddings", "embeddings", read_call, _edit, read_reply_usage)
