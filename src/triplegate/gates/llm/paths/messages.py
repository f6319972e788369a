"""POST /messages and /messages/count_tokens: Anthropic, streamed or whole; also below /anthropic."""

from triplegate.core.http import OneFrame, Reply
from triplegate.core.usage import Usage
from triplegate.gates.llm.call import Endpoint, endpoint_of
from triplegate.gates.llm.model import Model
from triplegate.wire.anthropic_messages import CLIENT

MESSAGES = endpoint_of(CLIENT, "chat", b"/messages")


def _free(text: bytes) -> Usage:
    return Usage()


COUNT = Endpoint("count_tokens", b"/messages/count_tokens", CLIENT.family, CLIENT.look, CLIENT.edit, _free, free=True)
"""Asked of a provider that counts; else estimated here."""


def counts(model: Model) -> bool:
    """Whether a deployment of the model can be asked how many tokens a call has."""
    return any(deployment.speech.family == CLIENT.family for deployment in model.deployments)


def counted(tokens: int, *, exact: bool) -> Reply:
    """The count, and whether it is an estimate."""
    content = b'{"input_tokens":%d}' % tokens
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(content)).encode("ascii")),
        (b"x-triplegate-tokens", b"counted" if exact else b"estimated"),
        (b"server", b"triplegate"),
    ]
    return Reply(200, headers, OneFrame(content), source="local")
