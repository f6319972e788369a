"""Refusals of the api gate: problem details (RFC 9457), with the challenge or the wait that belongs to them."""

from triplegate.core.errors import Refusal
from triplegate.core.exchange import Exchange
from triplegate.core.http import OneFrame, Reply
from triplegate.wire.problem_style import PLAIN, Style, styled
from triplegate.wire.ratelimit import retry_after

CHALLENGE = (b"www-authenticate", b'Bearer realm="triplegate"')


def problem_reply(exchange: Exchange, refusal: Refusal, style: Style = PLAIN) -> Reply:
    """The reply for a refusal, in the media type the client likes best and the style its API has."""
    media, content = styled(style, refusal, exchange.inbound.header(b"accept"), exchange.request_id.decode("ascii"))
    headers = [
        *refusal.headers,
        (b"content-type", media),
        (b"content-length", str(len(content)).encode("ascii")),
        (b"cache-control", b"no-store"),
        (b"server", b"triplegate"),
    ]
    if refusal.retry_after is not None:
        headers.append((b"retry-after", retry_after(refusal.retry_after, exchange.standings)))
    if refusal.status == 401 and not any(name == b"www-authenticate" for name, _ in headers):
        headers.append(CHALLENGE)
    return Reply(refusal.status, headers, OneFrame(content), source="local")
