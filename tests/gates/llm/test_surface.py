"""Which dialect's errors a caller expects, by path."""

from tests.builders import make_kit

from triplegate.core.catalog import Route
from triplegate.core.clock import SetClock
from triplegate.core.learned import Learned
from triplegate.gates.llm.paths.messages import MESSAGES
from triplegate.gates.llm.paths.responses import RESPONSES
from triplegate.gates.llm.paths.usage import OwnUsage
from triplegate.gates.llm.surface import Surface
from triplegate.wire.seals import Seals


def test_errors_are_told_in_the_dialect_of_the_path():
    endpoints = {"/v1/messages": MESSAGES, "/v1/responses": RESPONSES}
    usage = OwnUsage(None, SetClock())
    surface = Surface("/v1", None, Route("llm", "llm"), endpoints, Seals(b"x"), make_kit(), 0, usage, Learned())
    families = {
        path: surface.family_of(path)
        for path in ("/v1/messages", "/v1/responses", "/anthropic/v1/models", "/v1/models", "/nowhere")
    }
    assert families == {
        "/v1/messages": "anthropic",
        "/v1/responses": "openai_responses",
        "/anthropic/v1/models": "anthropic",
        "/v1/models": "openai",
        "/nowhere": "openai",
    }
