"""POST /cache/feedback: a caller says whether what it was told of another question's answer was right."""

from typing import Any

import msgspec

from triplegate.core.errors import Refusal
from triplegate.core.exchange import Exchange
from triplegate.core.http import OneFrame, Reply
from triplegate.core.identity import Principal
from triplegate.core.ports import Kit
from triplegate.stores.answers.recall import Scope, tenant_of

PATH = "/cache/feedback"
_MOST = 4096
_SCOPES: tuple[Scope, ...] = ("org", "team", "consumer", "key")


class _Said(msgspec.Struct, forbid_unknown_fields=True):
    entry: str
    """As `X-Triplegate-Cache` told it."""
    right: bool


_said = msgspec.json.Decoder(_Said).decode


async def feedback(exchange: Exchange, kit: Kit) -> Reply:
    """204 once it is noted: a wrong entry is forgotten, and counts as an audit that failed.

    Raises Refusal invalid_body, entry_not_found (for an entry that was not told to this tenant lately, too).
    """
    principal = exchange.principal
    assert principal is not None
    text = await exchange.inbound.body.whole(_MOST)
    try:
        said = _said(text)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Refusal("invalid_body", 'The body is {"entry": "…", "right": true or false}.') from error
    for memory in _memories(kit):
        if await memory.feedback(said.entry, _tenants(principal), right=said.right):
            return Reply(204, [(b"server", b"triplegate")], OneFrame(), source="local")
    raise Refusal("entry_not_found", "No such entry was told here lately.")


def _tenants(principal: Principal) -> list[str]:
    return [tenant_of(principal, scope) for scope in _SCOPES]


def _memories(kit: Kit) -> list[Any]:
    """The semantic memories there are; none, and no import, where nothing was ever compared."""
    import sys

    module = sys.modules.get("triplegate.stores.semantic.meaning")
    return [] if module is None else kit.states.every(module.Meaning)
