"""Models of the llm gate as tools: one takes a prompt and answers with the model's text."""

import re

import msgspec

from triplegate.config.documents_mcp import ServerDocument
from triplegate.core.errors import Refusal
from triplegate.core.exchange import Exchange
from triplegate.core.ports import Kit
from triplegate.gates.mcp.inside import Answered, InsideTransport
from triplegate.gates.mcp.route_tools import result_of
from triplegate.wire.json_members import encode
from triplegate.wire.openapi_request import Asked

_LARGEST = 4 << 20
_NOT_NAME = re.compile(r"[^A-Za-z0-9_.-]+")
_SCHEMA = {
    "type": "object",
    "properties": {
        "prompt": {"type": "string", "description": "What the model is asked."},
        "system": {"type": "string", "description": "How it is to answer."},
        "max_tokens": {"type": "integer", "minimum": 1},
        "temperature": {"type": "number", "minimum": 0},
    },
    "required": ["prompt"],
    "additionalProperties": False,
}


class _Asked(msgspec.Struct, forbid_unknown_fields=True):
    prompt: str
    system: str | None = None
    max_tokens: int | None = None
    temperature: float | None = None


class _Message(msgspec.Struct):
    content: str | None = None


class _Choice(msgspec.Struct):
    message: _Message = msgspec.field(default_factory=_Message)
    finish_reason: str | None = None


class _Completion(msgspec.Struct):
    choices: list[_Choice] = []
    usage: msgspec.Raw = msgspec.Raw(b"null")
    model: str = ""


class ModelTools(InsideTransport):
    """The models of one server document."""

    __slots__ = ("_models", "_path")

    def __init__(self, document: ServerDocument, path: str, kit: Kit) -> None:
        """`path`: where the llm gate takes chat completions."""
        models = document.models or ()
        super().__init__(f"models:{','.join(models)}", document.waits, kit)
        self._path = path
        self._models = {_NOT_NAME.sub("_", model): model for model in models}
        self.offer({name: _definition(name, model) for name, model in self._models.items()})

    async def _call(self, exchange: Exchange, name: str, arguments: bytes) -> bytes:
        model = self._models.get(name)
        if model is None:
            raise Refusal("rpc_invalid_params", "There is no such tool.")
        try:
            asked = msgspec.json.decode(arguments, type=_Asked)
        except msgspec.MsgspecError as error:
            raise Refusal("rpc_invalid_params", f"The arguments do not fit: {error}") from error
        messages = [{"role": "user", "content": asked.prompt}]
        if asked.system is not None:
            messages.insert(0, {"role": "system", "content": asked.system})
        body: dict[str, object] = {"model": model, "messages": messages}
        for field in ("max_tokens", "temperature"):
            if (value := getattr(asked, field)) is not None:
                body[field] = value
        headers = [(b"content-type", b"application/json"), (b"accept", b"application/json")]
        call = Asked("POST", self._path, b"", headers, encode(body))
        return _result(await self.reenter(exchange, call, _LARGEST))


def _definition(name: str, model: str) -> bytes:
    hints = {"readOnlyHint": True, "openWorldHint": False}
    told = f"Asks the model {model}; it knows nothing but what the call says."
    return encode({"name": name, "description": told, "inputSchema": _SCHEMA, "annotations": hints})


def _result(answered: Answered) -> bytes:
    """The text of the model; what is no completion is told as it came."""
    if answered.status != 200 or not answered.whole:
        return result_of(answered)
    try:
        said = msgspec.json.decode(answered.body, type=_Completion)
    except msgspec.MsgspecError:
        return result_of(answered)
    text = said.choices[0].message.content or "" if said.choices else ""
    meta = {"triplegate.dev/model": said.model, "triplegate.dev/usage": said.usage}
    return encode({"resultType": "complete", "content": [{"type": "text", "text": text}], "_meta": meta})
