"""What a provider keeps: responses, files and batches, by their sealed ids; such calls pass and cost nothing."""

import re
from collections.abc import Iterable, Mapping

import msgspec

from triplegate.core.errors import Refusal
from triplegate.core.http import Body, BytesBody, Inbound
from triplegate.core.usage import Usage
from triplegate.gates.llm.asking import Asked
from triplegate.gates.llm.call import Endpoint, LlmCall
from triplegate.gates.llm.origins import gone_refusal
from triplegate.wire.seals import Seals, note_of

_WAYS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "responses": (("GET", ""), ("DELETE", ""), ("POST", "/cancel"), ("GET", "/input_items")),
    "files": (("POST", "-"), ("GET", ""), ("DELETE", ""), ("GET", "/content")),
    "batches": (("POST", "-"), ("GET", ""), ("POST", "/cancel")),
}
"""Kind → (method, what follows the id; "-" = the kind itself)."""
_QUERY = re.compile(
    rb"(?:(?:include(?:%5B%5D|\[\])?|starting_after|stream|limit|order|after|before)=[A-Za-z0-9_.%-]*(?:&|\Z))*\Z"
)
_FAMILY = {"responses": "openai_responses", "files": "files", "batches": "batches"}
_ONE = {"responses": "response", "files": "file", "batches": "batch"}
KINDS = tuple(_WAYS)
_MOST = 1_048_576


def _nothing(text: bytes) -> Usage:
    """Reading what is kept is not paid for: the call that made it was."""
    return Usage()


def _never(*call: object, **edits: object) -> bytes:
    raise NotImplementedError


def _endpoint(kind: str) -> Endpoint:
    path = b"/" + kind.encode("ascii")
    return Endpoint(kind, path, _FAMILY[kind], _never, _never, _nothing, any_reply=True, free=True)


ENDPOINTS: Mapping[str, Endpoint] = {kind: _endpoint(kind) for kind in KINDS}


class Kept(msgspec.Struct, frozen=True, eq=False):
    """A call for something that is kept: `LlmCall.look`."""

    method: str
    path: bytes
    """Below the provider's base URL."""
    body: Body
    content_type: bytes
    identity: str = ""
    """The provider's own id."""
    after: str = ""
    """What follows the id."""
    note: str = ""
    """What the client's id had of ours beside it."""
    end_user: str | None = None

    def asked(self) -> Asked:
        """What goes to the provider."""
        return Asked(
            self.path,
            self.body,
            translated=False,
            content_type=self.content_type,
            method=self.method,
            whole=bool(self.note),
        )


def kind_of(path: str, base: str) -> str:
    """Which kind a path is about; empty when it is about none."""
    kind = path.removeprefix(base + "/").partition("/")[0]
    return kind if path.startswith(base + "/") and kind in _WAYS else ""


def methods_of(path: str, base: str) -> tuple[str, ...]:
    """The methods that a path of a kind takes; none when there is no such path."""
    kind = kind_of(path, base)
    rest = path.removeprefix(f"{base}/{kind}")
    after = "-" if rest in ("", "/") else "/" + rest[1:].partition("/")[2] if "/" in rest[1:] else ""
    return tuple(method for method, follows in _WAYS[kind] if follows == after)


async def read_kept(inbound: Inbound, base: str, seals: Seals, team: str, groups: Iterable[str], files: str) -> LlmCall:
    """The call; its `pin` says where. `files`: quota group that uploads go to, empty = nowhere.

    Raises Refusal origin_gone for an id that is not this team's, unsupported_endpoint, invalid_body.
    """
    kind = kind_of(inbound.path, base)
    if inbound.query and not _QUERY.match(inbound.query):
        raise Refusal("invalid_body", "The query of this path is not one that is known.")
    named, _, after = inbound.path.removeprefix(f"{base}/{kind}").strip("/").partition("/")
    identity = ""
    content_type = inbound.header(b"content-type") or b"application/json"
    path = b"/" + kind.encode("ascii")
    body: Body = BytesBody()
    if named:
        found = seals.open(named, team, groups)
        if found is None:
            raise gone_refusal(f"There is no such {_ONE[kind]}.", "id")
        identity, pin = found
        path += b"/" + identity.encode("ascii") + (b"/" + after.encode("ascii") if after else b"")
    elif kind == "files":
        body, pin = inbound.body, files
    else:
        written = await inbound.body.whole(_MOST)
        text, origins = seals.open_ids(written, team, groups)
        pin = next(iter(origins), "") if len(origins) == 1 else ""
        if not pin or seals.unsealed_file(written, team, groups):
            raise gone_refusal("The input file of this batch is not there.", "input_file_id")
        body = BytesBody(text)
    if not pin:
        raise Refusal("unsupported_endpoint", "Files are not served here: no model is named for them.")
    if inbound.query:
        path += b"?" + inbound.query
    call = LlmCall(
        ENDPOINTS[kind],
        Kept(inbound.method, path, body, content_type, identity, after, note_of(named)),
        "",
        streamed=False,
        wants_usage=True,
        size=0,
        most_output=0,
    )
    call.pin = pin
    return call
