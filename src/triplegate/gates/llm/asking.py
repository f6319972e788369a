"""What one attempt sends: the client's own bytes with named edits, or the call in the provider's dialect."""

from functools import partial
from typing import Literal

import msgspec

from triplegate.config.documents_llm import Quirks
from triplegate.core.errors import Refusal
from triplegate.core.http import Body, BytesBody
from triplegate.gates.llm.beside import READ, REWRITTEN, Beside
from triplegate.gates.llm.call import LlmCall
from triplegate.gates.llm.dialects import OF_FAMILY
from triplegate.gates.llm.forms import Form
from triplegate.gates.llm.quirks import any_of, shape
from triplegate.wire.codec import Losses, ProviderCodec
from triplegate.wire.custom_tools import known_to
from triplegate.wire.wishes import in_background, without_idle

_SEALED = b'"tg1.'
"""How state of another provider begins that a client echoes (`neutral.seal`)."""


class Speech(msgspec.Struct, frozen=True, eq=False):
    """How a provider is spoken to."""

    family: str
    codec: ProviderCodec | None
    speaks: frozenset[str]
    """Families of endpoints that get the client's bytes as they came."""
    quirks: Quirks
    on_loss: Literal["drop", "reject"]
    first_token: float
    """Seconds until a stream's first content."""
    head_hold: float = 10.0
    """Seconds after which a stream's head goes out without content."""
    beside: Beside = msgspec.field(default_factory=Beside)
    """Where large calls and answers are read and written."""


class Asked(msgspec.Struct, eq=False):
    """One attempt's request."""

    path: bytes
    body: Body
    translated: bool
    """The reply comes in the provider's dialect, not in the client's."""
    lost: bytes = b""
    """What the client said and the provider's dialect cannot carry, as a header tells it."""
    content_type: bytes = b"application/json"
    method: str = "POST"
    whole: bool = False
    """The answer must be had whole, if it is not too large for that."""


def ask(call: LlmCall, speech: Speech, model: str, *, anew: bool = False) -> Asked:
    """The call for `model` of a provider; `anew`: its answer must come in a dialect that can be read here.

    Raises Refusal unsupported_endpoint when the provider has no such endpoint, unsupported_parameter where losses are
    refused.
    """
    endpoint = call.endpoint
    unread = endpoint.codec is not None and endpoint.family not in OF_FAMILY  # nobody can read its answers here
    if endpoint.family in speech.speaks and not (unread and (anew or call.rewritten)):
        if endpoint.form:
            form: Form = call.look
            return Asked(endpoint.path, form.renamed(model), translated=False, content_type=form.content_type)
        if call.rewritten or (_SEALED in call.look.text and endpoint.family in OF_FAMILY):
            return _own_state_only(call, speech, model)
        body = endpoint.edit(call.look, model=model, include_usage=speech.quirks.stream_usage)
        return Asked(endpoint.path, _shaped(body, speech.quirks), translated=False)
    codec = speech.codec
    if codec is None or endpoint.codec is None:
        path = endpoint.path.decode("ascii")
        raise Refusal("unsupported_endpoint", f"The provider of the model {call.model} does not serve {path}.")
    losses = Losses(speech.on_loss)
    request = without_idle(call.request())
    if in_background(request):
        Losses("reject").lose("background", "only a provider of the same dialect answers later")
    written = codec.write_request(known_to(codec.family, request, losses), model, losses)
    if call.streamed and not speech.quirks.stream_usage:  # the vendor refuses the wish that every translation brings
        written = shape(written, speech.quirks, also=("stream_options",))
    text = _shaped(written, speech.quirks)
    path = "/" + codec.path(model, call.streamed).lstrip("/")
    return Asked(path.encode("ascii"), text, translated=True, lost=losses.told())


async def prepare(call: LlmCall, speech: Speech, model: str, *, anew: bool = False) -> Asked:
    """As `ask`; what takes longer than a loop may be held up is written beside it."""
    size = 0 if call.endpoint.form else call.size
    if size < REWRITTEN or (size < READ and not _rewritten(call, speech)):
        return ask(call, speech, model, anew=anew)
    return await speech.beside.run(partial(ask, anew=anew), call, speech, model)


def _rewritten(call: LlmCall, speech: Speech) -> bool:
    """Whether the call is read and written anew."""
    return call.rewritten or call.endpoint.family not in speech.speaks or _SEALED in call.look.text


def _own_state_only(call: LlmCall, speech: Speech, model: str) -> Asked:
    """The call written anew in its own dialect: a conversation that was answered elsewhere, too, holds state of other
    providers, which this one would refuse. Its answer passes as any other.
    """
    losses = Losses(speech.on_loss)
    written = OF_FAMILY[call.endpoint.family].write_request(call.request(), model, losses)
    if call.streamed and not speech.quirks.stream_usage:
        written = shape(written, speech.quirks, also=("stream_options",))
    return Asked(call.endpoint.path, _shaped(written, speech.quirks), translated=False, lost=losses.told())


def _shaped(body: bytes, quirks: Quirks) -> Body:
    return BytesBody(shape(body, quirks) if any_of(quirks) else body)
