"""Calls that build on state a provider keeps go back to where it is kept, and to nobody else (llm.md §5.6)."""

from collections.abc import Callable, Iterable

import msgspec

from triplegate.core.catalog import Target
from triplegate.core.errors import Refusal
from triplegate.core.exchange import Attempt, Role
from triplegate.core.usage import Usage
from triplegate.gates.llm.call import LlmCall, read_call
from triplegate.gates.llm.charged import Charged
from triplegate.gates.llm.flow import Fail, Relayed
from triplegate.wire.codec import Relay
from triplegate.wire.json_members import Members, read_members, set_members
from triplegate.wire.seals import MARKS, Seals

STATEFUL = frozenset({"openai", "openai_responses", "anthropic"})
"""Families whose calls may name files, responses and encrypted state that a provider keeps."""

_string = msgspec.json.Decoder(str).decode
_items = msgspec.json.Decoder(list[msgspec.Raw]).decode


class _Item(msgspec.Struct, gc=False):
    type: str = ""
    encrypted_content: msgspec.Raw = msgspec.Raw(b"")


class _Reference(msgspec.Struct, gc=False):
    type: str | None = None
    role: str | None = None


_item = msgspec.json.Decoder(_Item).decode
_references = msgspec.json.Decoder(list[_Reference]).decode
_NOTHING = frozenset({b"", b"null"})
_KEPT = (b'"conversation"', b'"id"', b"\\u00")
"""Without one of these nothing is referred to that has no seal; a name can be written in escapes."""


def opened(call: LlmCall, seals: Seals, team: str, groups: Iterable[str], gone: str) -> LlmCall:
    """The call with its sealed ids and state as the provider knows them, pinned to the quota group they name.

    `gone`: what becomes of encrypted state whose group is not among `groups` any more: `strip` leaves it out,
    `refuse` refuses. Raises Refusal origin_gone, previous_response_not_found, unsupported_parameter: what cannot be
    reached, or could be another team's, is always refused.
    """
    text: bytes = call.look.text
    if call.endpoint.family not in STATEFUL:
        return call
    responses = call.endpoint.family == "openai_responses"
    if responses and [word for word in _KEPT if word in text]:
        _check_referred(read_members(text))
    if not [mark for mark in MARKS if mark in text]:
        return call
    known = tuple(groups)
    if responses:
        _check_previous(read_members(text).get("previous_response_id"), seals, team, known)
    text, kept = seals.open_state(text, team, known)
    if "" in kept or len(kept) > 1:
        if gone == "refuse":
            raise gone_refusal("The reasoning in this request belongs to a deployment that is not there.")
        text, kept = _without_state(text), frozenset()
    text, origins = seals.open_ids(text, team, known)
    if "" in origins or len(origins | kept) > 1:
        raise gone_refusal("A response or file in this request is not there, or they belong to several deployments.")
    if seals.unsealed_file(call.look.text, team, known):
        raise gone_refusal("There is no such file.", "file_id")
    if text is not call.look.text:
        prompt = call.prompt
        call = read_call(call.endpoint, text)
        call.prompt = prompt
    call.pin = next(iter(origins | kept), "")
    return call


def _check_referred(members: Members) -> None:
    """Items and conversations have no seals, so they cannot be referred to: they may be another team's."""
    if bytes(members.get("conversation", b"null")) != b"null":
        raise _unsupported("conversation", "Conversations are not kept here; send the items themselves.")
    if _refers(members.get("input")):
        raise _unsupported("input", "Items cannot be referred to by id (item_reference); send the items themselves.")


def _check_previous(previous: msgspec.Raw | None, seals: Seals, team: str, groups: Iterable[str]) -> None:
    """A previous response must be sealed for this team; else it may be another's, however its name is written."""
    if previous is None or bytes(previous) == b"null":
        return
    try:
        named = _string(previous)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise gone_refusal("There is no such previous response.", "previous_response_id") from error
    if not seals.sealed(named):
        raise Refusal(
            "previous_response_not_found",
            "There is no such previous response: only providers of this dialect keep what they answer.",
            payload={"param": "previous_response_id"},
        )
    if seals.open(named, team, groups) is None:
        raise gone_refusal("There is no such previous response.", "previous_response_id")


def _refers(raw: msgspec.Raw | None) -> bool:
    """Whether an item of the input is nothing but the id of one; only a message may lack its type."""
    if raw is None or bytes(raw)[:1] != b"[":
        return False
    try:
        items = _references(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return True  # what cannot be told may be one
    return any(one.type == "item_reference" or (one.type is None and one.role is None) for one in items)


def _unsupported(name: str, detail: str) -> Refusal:
    return Refusal("unsupported_parameter", detail, payload={"param": name})


def gone_refusal(detail: str, parameter: str = "input") -> Refusal:
    """The refusal of state that is not where it was, or was never this team's."""
    return Refusal("origin_gone", detail, payload={"param": parameter})


def _without_state(text: bytes) -> bytes:
    """The request without reasoning items that only their own deployment could read."""
    members = read_members(text)
    raw = members.get("input")
    if raw is None or bytes(raw)[:1] != b"[":
        return text
    kept = [bytes(item) for item in _items(raw) if not _encrypted(item)]
    return set_members(text, members, {"input": b"[" + b",".join(kept) + b"]"})


def _encrypted(item: msgspec.Raw) -> bool:
    try:
        said = _item(item)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False
    return said.type == "reasoning" and bytes(said.encrypted_content) not in _NOTHING


def pinned(targets: Iterable[Target], group: str) -> Callable[[list[Attempt]], tuple[Target, Role] | None]:
    """Picks only of `group`: each of its targets once, then the last again. Raises Refusal origin_gone."""
    mine = [target for target in targets if target.group == group]
    if not mine:
        raise gone_refusal("The deployment that holds this conversation does not serve this model.")

    def pick(tried: list[Attempt]) -> tuple[Target, Role] | None:
        names = {attempt.target.name for attempt in tried}
        for target in mine:
            if target.name not in names:
                return target, "fallback" if tried else "first"
        return tried[-1].target, "retry"

    return pick


class Sealing:
    """Marks what leaves: ids and encrypted state in replies of one group to one team."""

    __slots__ = ("_group", "_seals", "_team", "noted")

    def __init__(self, seals: Seals, team: str, group: str, noted: tuple[str, str] = ("", "")) -> None:
        self._seals, self._team, self._group = seals, team, group
        self.noted = noted
        """An id, and the note that goes with it."""

    def __call__(self, block: bytes) -> bytes:
        """`block` (JSON, or whole events) as the client gets it."""
        sealed = self._seals.seal_ids(block, self._team, self._group, self.noted)
        return self._seals.seal_state(sealed, self._team, self._group)


class SealedRelay(Relayed):
    """A relayed stream whose ids and state are sealed on their way out."""

    __slots__ = ("_sealing",)

    def __init__(self, relay: Relay, fail: Fail, sealing: Sealing) -> None:
        super().__init__(relay, fail)
        self._sealing = sealing

    def feed(self, chunk: bytes) -> bytes:
        """The whole events so far, sealed."""
        block = super().feed(chunk)
        return self._sealing(block) if block else block

    def finish(self) -> bytes:
        """The rest, sealed."""
        return self._sealing(super().finish())


class Background(SealedRelay):
    """A stream that goes on when nobody listens: it is charged as it began, and its id has a note of that."""

    __slots__ = ("_begun", "charged")

    def __init__(self, relay: Relay, fail: Fail, sealing: Sealing, begun: tuple[Usage, Charged]) -> None:
        super().__init__(relay, fail, sealing)
        self._begun, self.charged = begun

    @property
    def usage(self) -> Usage:
        """What its begin is charged for."""
        return self._begun

    @property
    def pieces(self) -> int:
        """Nothing: what comes is booked when its end is seen."""
        return 0

    @property
    def used(self) -> Usage | None:
        """What it used in all; None before its end."""
        return self._relay.usage if self._relay.done else None

    def feed(self, chunk: bytes) -> bytes:
        """The whole events so far, sealed."""
        block = Relayed.feed(self, chunk)
        self._sealing.noted = (self._relay.id, self.charged.note)
        return self._sealing(block) if block else block
