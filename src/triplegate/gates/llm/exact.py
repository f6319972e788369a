"""Input tokens counted with the vendor's own vocabulary, of calls whose text is all that models are shown."""

from collections.abc import Iterable

import msgspec

from triplegate.core.errors import Refusal
from triplegate.core.estimator import IMAGE, tokens_of
from triplegate.core.ports import Kit
from triplegate.gates.llm.beside import Beside
from triplegate.gates.llm.call import LlmCall
from triplegate.gates.llm.ranks import Encode, Ranks
from triplegate.gates.llm.sizing import defines
from triplegate.gates.llm.strategy import Place
from triplegate.wire.anthropic_messages import CLIENT
from triplegate.wire.neutral import Media, Message, Native, Part, Text, ToolResult, ToolUse

ON_LOOP = 32 << 10
"""Bytes of a body that are counted at once, some milliseconds; larger ones are counted in a thread."""
_MOST = 1 << 20
"""Bytes above which nothing is counted: an estimate of so much text is as good."""
_FRAME = 3
"""Tokens around a message, and before the answer."""

_texts = msgspec.json.Decoder(str | list[str]).decode


class Exact:
    """How one model's calls are counted: all its deployments must share the vocabulary."""

    __slots__ = ("_beside", "_models", "_ranks")

    def __init__(self, ranks: Ranks, models: frozenset[str], beside: Beside) -> None:
        self._ranks, self._models, self._beside = ranks, models, beside

    @classmethod
    def of(cls, name: str, count: str, places: Iterable[Place], origin: str, kit: Kit) -> "Exact | None":
        """What counts this model's calls; what it needs is loaded in the background. None: they are estimated."""
        if count != "exact":
            return None
        models = frozenset(place.target.wiring.model_for(name) for place in places)
        ranks = Ranks.kept(kit)
        ranks.warm(models, kit)
        if ranks.trouble and origin:
            kit.faults.append(f"{origin} {name}: tokens are estimated, not counted: {ranks.trouble}")
        return cls(ranks, models, Beside.kept(kit))

    async def count(self, call: LlmCall) -> None:
        """Note the count with the call; nothing is noted where it cannot be counted, so that it is estimated."""
        encodes = {self._ranks.encode_of(model) for model in self._models}
        encode = encodes.pop()
        if encodes or encode is None or call.size > _MOST or call.endpoint.form or defines(call):
            return  # how tools are shown to models is no vendor's public word: what was learned is nearer
        if call.size <= ON_LOOP:
            call.exact_tokens = _counted(call, encode)
        else:
            call.exact_tokens = await self._beside.run(_counted, call, encode)


def _counted(call: LlmCall, encode: Encode) -> int:
    """Tokens of the whole call; 0 where its endpoint's form is not known here."""
    try:
        if call.endpoint.operation == "embeddings":
            texts = _texts(call.look.members["input"])
            return sum([len(encode(text)) for text in ([texts] if isinstance(texts, str) else texts)])
        if call.endpoint.operation == "count_tokens":
            request = CLIENT.read_request(call.look.text)
        elif call.endpoint.codec is None:
            return 0
        else:
            request = call.request()
    except (Refusal, KeyError, msgspec.MsgspecError, UnicodeDecodeError):
        return 0  # whoever forwards it will say what is wrong
    total = float(_FRAME)
    for message in request.messages:
        total += _FRAME + 1 + _of_message(message, encode)
    return round(total)


def _of_message(message: Message, encode: Encode) -> float:
    return sum([_of_part(part, encode) for part in message.parts])


def _of_part(part: Part, encode: Encode) -> float:
    if isinstance(part, Text):
        return len(encode(part.text))
    if isinstance(part, ToolUse):
        return len(encode(part.name)) + len(encode(part.arguments)) + _FRAME
    if isinstance(part, ToolResult):
        return sum([_of_part(one, encode) for one in part.parts])
    if isinstance(part, Media):
        return IMAGE
    return tokens_of(part.raw) if isinstance(part, Native) else 0
