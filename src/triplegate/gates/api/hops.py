"""OPTIONS and TRACE may count their hops (RFC 9110 §7.6.2), and TRACE goes only where a match names it (§9.3.8)."""

import re

from triplegate.core.errors import Refusal
from triplegate.core.exchange import Exchange, Proceed
from triplegate.core.http import OneFrame, Reply
from triplegate.core.outgoing import Edit

HOPPING = frozenset({"OPTIONS", "TRACE"})
"""Methods that are looked at here; all others are not."""
_FIELD = b"max-forwards"
_NUMBER = re.compile(rb"\d{1,10}")
_USUAL = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def take_hop(exchange: Exchange, methods: frozenset[str]) -> None:
    """Count this hop; `methods` are those that the route's match names (none: all but TRACE).

    TRACE would show to whoever can make a client send one what proxies before us added: nobody gets it by accident.
    """
    inbound = exchange.inbound
    allowed = ", ".join(sorted(methods or _USUAL)).encode("ascii")
    if inbound.method == "TRACE" and "TRACE" not in methods:
        exchange.refusal = Refusal("method_not_supported", "TRACE is not answered here.", headers=[(b"allow", allowed)])
        return
    said = [value for name, value in inbound.headers if name == _FIELD]
    if not said:
        return
    if len(said) > 1 or _NUMBER.fullmatch(said[0]) is None:
        exchange.refusal = Refusal("malformed_request", "Max-Forwards is not one number.")
    elif int(said[0]):
        exchange.shape().edits.append(Edit("set", _FIELD, b"%d" % (int(said[0]) - 1)))
    elif inbound.method == "OPTIONS":
        exchange.outer = _answering(allowed)
    else:
        exchange.refusal = Refusal("method_not_supported", "TRACE ends here.", headers=[(b"allow", allowed)])


def _answering(allowed: bytes) -> Proceed:
    async def answer(exchange: Exchange) -> Reply:
        return Reply(204, [(b"allow", allowed), (b"server", b"triplegate")], OneFrame(), source="local")

    return answer
