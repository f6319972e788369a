"""How large a call is in tokens before any provider has counted it: what models are shown of its body."""

from triplegate.core.estimator import SCHEMA, tokens_of
from triplegate.gates.llm.call import LlmCall
from triplegate.wire.json_members import Members

_SHOWN = frozenset({"messages", "input", "system", "instructions", "prompt", "query", "documents"})
"""Members whose text models read."""
_DEFINED = frozenset({"tools", "functions", "response_format", "text", "output_config"})
"""Members that are shown in a shorter form."""
_NAMED = 64
"""Bytes of such a member that names a form, and defines none."""
_LARGE = 64 << 10
"""Bytes of a body above which it is not taken to pieces: what stands beside its messages no longer matters."""
FORM = 1500
"""Tokens of a form: sound or a picture, whose bytes say little."""


def raw_tokens(call: LlmCall) -> float:
    """Input tokens as the call's bytes suggest them, at least 1; kept with the call."""
    found = call.raw_tokens
    if found:
        return found
    look = call.look
    text: bytes = getattr(look, "text", b"")
    members: Members | None = getattr(look, "members", None)
    if call.endpoint.form:
        found = FORM
    elif members is None or len(text) > _LARGE:
        found = tokens_of(text)
    else:
        shown, defined = [], 0.0
        for name, value in members.items():
            if name in _SHOWN:
                shown.append(bytes(value))
            elif name in _DEFINED:
                defined += _defined(bytes(value))
        found = tokens_of(shown[0] if len(shown) == 1 else b" ".join(shown)) + defined
    call.raw_tokens = found
    return found


def defines(call: LlmCall) -> bool:
    """Whether the call brings tools or a schema: vendors add a preamble of their own to those."""
    members: Members | None = getattr(call.look, "members", None)
    if members is None or _DEFINED.isdisjoint(members):
        return False
    return any(len(members[name]) > _NAMED for name in _DEFINED & members.keys())


def _defined(text: bytes) -> float:
    """A schema or a list of tools; what merely names a form (`{"type":"text"}`) is shown to nobody."""
    return SCHEMA * tokens_of(text) if len(text) > _NAMED else 0.0
