"""What opening an exchange is the same for at all three gates: id, trace, request id."""

import re
from random import random

from triplegate.core.exchange import Exchange, Gate
from triplegate.core.http import Inbound
from triplegate.core.ports import House
from triplegate.wire.traceparent import onward

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._:/+=@-]{1,128}")


def begin(gate: Gate, inbound: Inbound, house: House, snapshot: str) -> Exchange:
    """A new exchange: the client's request id where it is well formed, its trace continued or a new one begun."""
    request_id = traceparent = None
    for name, value in inbound.headers:
        if name == b"x-request-id":
            request_id = value
        elif name == b"traceparent":
            traceparent = value
    exchange = Exchange(house.make_id(), gate, inbound, house, house.clock.now())
    exchange.snapshot = snapshot
    sampled = house.sample > 0 and random() < house.sample  # noqa: S311 - a share, not a secret
    exchange.trace = onward(traceparent, sampled=sampled)
    if request_id is not None and _REQUEST_ID.fullmatch(request_id):
        exchange.request_id = request_id
    else:
        exchange.request_id = exchange.id.encode("ascii")
    return exchange
