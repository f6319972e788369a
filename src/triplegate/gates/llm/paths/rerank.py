"""POST /rerank: Cohere's shape, which others serve too; passes, and is counted in search units or tokens."""

from triplegate.gates.llm.call import Endpoint
from triplegate.wire.openai_media import edit_call, read_rerank, reader

RERANK = Endpoint("rerank", b"/rerank", "rerank", reader(), edit_call, read_rerank)
