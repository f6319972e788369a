"""POST /moderations: passes to a provider that serves it; it is free, and recorded."""

from triplegate.gates.llm.call import Endpoint
from triplegate.wire.openai_media import edit_call, free, reader

MODERATIONS = Endpoint("moderation", b"/moderations", "moderations", reader("omni-moderation-latest"), edit_call, free)
