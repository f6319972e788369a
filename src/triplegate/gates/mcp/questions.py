"""The gateway's own questions to whoever makes a call: over the stream of a session, or as `input_required`."""

import hashlib
import secrets
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec

from triplegate.core.errors import Refusal
from triplegate.core.exchange import Exchange
from triplegate.core.http import Reply
from triplegate.core.identity import Principal
from triplegate.core.ports import Kit
from triplegate.gates.mcp.call import McpCall, Parked
from triplegate.gates.mcp.connecting import US
from triplegate.gates.mcp.refusals import json_reply
from triplegate.gates.mcp.sessions import owner_of
from triplegate.gates.mcp.talking import BOX, Asking, TalkFrames, members_of, talk_reply
from triplegate.wire.json_members import Members, encode, read_members, set_members
from triplegate.wire.jsonrpc import Env, read, read_params, write_result
from triplegate.wire.mcp_bridge import SERVER_KEY, drop_members
from triplegate.wire.mcp_headers import CAPABILITIES_KEY
from triplegate.wire.mcp_marks import Marks
from triplegate.wire.mcp_states import PREFIX, States

WITHIN = 300.0
"""Seconds that a client has for an answer, where nobody says otherwise."""
_REMEMBERED = 86_400.0  # seconds for which a state that was used is known; none is valid for longer
PARKED = "question"
"""Key of a question that a server with sessions asks."""
_ROUNDS = 3  # how often a client in a session is asked when its answer does not fit
_LARGEST = 65_536  # bytes of an answer to a question of ours
_ABOUT = frozenset({"requestState", "inputResponses", "_meta"})
CAPABILITY = {"elicitation/create": "elicitation", "sampling/createMessage": "sampling", "roots/list": "roots"}
"""What a client must have declared to be asked by a method."""


class Question(msgspec.Struct, frozen=True):
    """What the client is asked."""

    key: str
    """Its name among the questions of the call; says nothing to the client."""
    params: bytes
    """Raw JSON: of an elicitation `message` and `requestedSchema`."""
    method: str = "elicitation/create"
    box: str = ""
    """Where an answer may also be left (`Questions.leave`) for a client in a session; a random one if empty."""


class Given(msgspec.Struct, frozen=True):
    """What it answered; what an elicitation contains fits the schema that was asked for."""

    raw: bytes
    """The result, as it came."""
    action: str = "accept"
    """accept, decline or cancel."""
    content: Mapping[str, Any] = {}


class _Elicited(msgspec.Struct):
    action: str
    content: dict[str, Any] | None = None


class _Sealed(msgspec.Struct):
    """What stands in a state of ours."""

    n: str
    """Of use once."""
    k: list[str] = []
    """Keys of the questions that were asked with it."""
    a: dict[str, msgspec.Raw] = {}
    """Answers that were given before."""
    u: str | None = None
    """The server's own state."""
    p: Parked | None = None
    """The call waits at a server with sessions."""


_sealed = msgspec.json.Decoder(_Sealed).decode
Then = Callable[[Given], Awaitable[Reply]]


class Questions:
    """Asks, and knows the answers again; any node may get them."""

    __slots__ = ("_kit", "_marks", "_states")

    def __init__(self, kit: Kit, marks: Marks) -> None:
        self._kit, self._marks, self._states = kit, marks, States(kit.pepper)

    async def ask(
        self, exchange: Exchange, call: McpCall, question: Question, then: Then, within: float = WITHIN
    ) -> Reply:
        """The reply of `then`, which is called with the answer; until there is one, a reply that asks.

        Raises Refusal rpc_missing_capability when the client cannot be asked this way (`can_ask`).
        """
        if not can_ask(call, question.method):
            needed = CAPABILITY[question.method]
            raise Refusal(
                "rpc_missing_capability",
                f"This call needs an answer: the client must declare the capability {needed}.",
                payload={"requiredCapabilities": {needed: {}}},
            )
        if call.era == "legacy":
            return self._over_stream(call, question, then, within)
        given = read_answer(question, call.given.get(question.key))
        if given is not None:
            return await then(given)
        return self._input_required(exchange, call, question, within)

    # a session: the call's own stream --------------------------------------------------------------------------------
    def _over_stream(self, call: McpCall, question: Question, then: Then, within: float) -> Reply:
        session, clock = call.session, self._kit.clock
        assert session is not None
        until, left = clock.now() + within, _ROUNDS

        def asked(box: str) -> Asking:
            identity = self._marks.question(session.id, "", box.encode("ascii"))
            members = members_of(question.method, question.params)
            return Asking(self._kit.mailbox, box, {question.key: (identity, members)}, until)

        async def go_on(answers: Mapping[str, bytes]) -> Reply | Asking:
            nonlocal left
            given, left = read_answer(question, answers[question.key]), left - 1
            if given is not None:
                return await then(given)
            if left <= 0:
                raise Refusal("question_unanswered", "The answer does not fit what was asked for.")
            return asked(secrets.token_urlsafe(12))

        return talk_reply(TalkFrames(clock, asked(question.box or secrets.token_urlsafe(12)), go_on))

    # 2026-07-28: the call is made again -------------------------------------------------------------------------------
    def _input_required(self, exchange: Exchange, call: McpCall, question: Question, within: float) -> Reply:
        upstream = _text(call.params.get("requestState"))
        sealed = _Sealed(_nonce(), [question.key], {key: msgspec.Raw(raw) for key, raw in call.given.items()}, upstream)
        asked = {"method": question.method, "params": msgspec.Raw(question.params)}
        return json_reply(write_result(call.id, self._asking(exchange, call, sealed, asked, within)))

    def _asking(
        self, exchange: Exchange, call: McpCall, sealed: _Sealed, asked: Mapping[str, object], within: float
    ) -> bytes:
        result = {
            "resultType": "input_required",
            "inputRequests": {sealed.k[0]: asked},
            "requestState": self._seal(exchange, call, sealed, within),
            "_meta": {SERVER_KEY: msgspec.Raw(US)},
        }
        return encode(result)

    def parked(self, exchange: Exchange, call: McpCall, parked: Parked) -> bytes:
        """The result that asks the client in the place of a server where its call waits."""
        before = {key: msgspec.Raw(raw) for key, raw in call.given.items() if key != PARKED}
        asked = {"method": parked.method, "params": parked.params}
        return self._asking(exchange, call, _Sealed(_nonce(), [PARKED], before, None, parked), asked, WITHIN)

    def wrapped(self, exchange: Exchange, call: McpCall, result: bytes, within: float = WITHIN) -> bytes:
        """A server's `input_required` with the answers to our own questions kept in its state."""
        members = read_members(result)
        given = {key: msgspec.Raw(raw) for key, raw in call.given.items()}
        sealed = _Sealed(_nonce(), [], given, _text(members.get("requestState")))
        return set_members(result, members, {"requestState": encode(self._seal(exchange, call, sealed, within))})

    def _seal(self, exchange: Exchange, call: McpCall, sealed: _Sealed, within: float) -> str:
        assert exchange.principal is not None
        assert call.view is not None
        bound = _bound(exchange.principal, call.view.virtual, call.method, call.asked or call.params)
        return self._states.seal(encode(sealed), bound, self._kit.clock.wall() + min(within, _REMEMBERED))

    async def open(self, call: McpCall, principal: Principal | None) -> McpCall:
        """The call as its server shall get it, and the answers to questions of ours in it.

        Raises Refusal rpc_invalid_params for a state that is not this caller's, not this call's, too old, or was used.
        """
        state = _text(call.params.get("requestState"))
        if state is None or not state.startswith(PREFIX):
            return call
        assert principal is not None
        assert call.view is not None
        bound = _bound(principal, call.view.virtual, call.method, call.params)
        content = self._states.open(state, bound, self._kit.clock.wall())
        if content is None:
            raise Refusal("rpc_invalid_params", "The requestState is not valid for this call.")
        sealed = _sealed(content)
        if not await self._kit.once.first(f"mcp:state:{sealed.n}", _REMEMBERED):
            raise Refusal("rpc_invalid_params", "The requestState was used already.")
        responses = _object(call.params.get("inputResponses"))
        given = {key: bytes(raw) for key, raw in sealed.a.items()}
        given |= {key: bytes(responses[key]) for key in sealed.k if key in responses}
        assert call.env is not None
        env = _without(call.env, call.params, responses, sealed)
        return msgspec.structs.replace(call, env=env, params=read_params(env), given=given, parked=sealed.p)

    # an answer from elsewhere -----------------------------------------------------------------------------------------
    async def leave(self, session: str, box: str, result: bytes) -> None:
        """Answer a question in a client's place."""
        identity = self._marks.question(session, "", box.encode("ascii"))
        await self._kit.mailbox.append(BOX + box, write_result(identity, result), WITHIN)


def can_ask(call: McpCall, method: str = "elicitation/create") -> bool:
    """Whether the client declared what a question by `method` needs."""
    return CAPABILITY[method] in _object(msgspec.Raw(capabilities_of(call)))


def askable(call: McpCall) -> bool:
    """Whether the client can be asked anything at all."""
    return any(needed in _object(msgspec.Raw(capabilities_of(call))) for needed in CAPABILITY.values())


def capabilities_of(call: McpCall) -> bytes:
    """What the client declared: with the call, or for its session; raw."""
    if call.era == "modern":
        return bytes(call.meta.get(CAPABILITIES_KEY, b"{}"))
    return call.session.capabilities if call.session is not None else b"{}"


def read_answer(question: Question, raw: bytes | None) -> Given | None:
    """The answer; None when there is none yet, or none that fits what was asked."""
    if raw is None or len(raw) > _LARGEST or raw[:1] != b"{":
        return None
    if question.method != "elicitation/create":
        return Given(raw)
    try:
        told = msgspec.json.decode(raw, type=_Elicited)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    if told.action in ("decline", "cancel"):
        return Given(raw, told.action)
    content = told.content or {}
    return Given(raw, "accept", content) if told.action == "accept" and _fits(question, content) else None


def _fits(question: Question, content: Mapping[str, Any]) -> bool:
    from jsonschema_rs import validator_for

    asked = msgspec.json.decode(question.params)
    schema = asked.get("requestedSchema")
    return schema is None or validator_for(schema).is_valid(content)


def _bound(principal: Principal, virtual: str, method: str, params: Members) -> bytes:
    """To whom and to which call a state belongs."""
    digest = hashlib.sha256()
    for name in sorted(params):
        if name not in _ABOUT:
            digest.update(b"%b\0%b\0" % (name.encode("utf-8", "surrogatepass"), bytes(params[name])))
    return b"%b\0%b\0%b\0%b" % (owner_of(principal), virtual.encode(), method.encode(), digest.digest())


def _without(env: Env, params: Members, responses: Members, sealed: _Sealed) -> Env:
    """The message with the server's own state and the answers to its own questions, or without any."""
    text = bytes(env.params)
    ours = set(sealed.k)
    kept = {name: raw for name, raw in responses.items() if name not in ours}
    changed: dict[str, bytes] = {}
    dropped: set[str] = set()
    for name, value in (("requestState", sealed.u), ("inputResponses", kept or None)):
        if value is None:
            dropped.add(name)
        else:
            changed[name] = encode(value)
    text = set_members(text, params, changed)
    text = drop_members(text, read_members(text), dropped)
    return read(set_members(env.text, env.members, {"params": text}))


def _nonce() -> str:
    return secrets.token_urlsafe(12)


def _text(raw: msgspec.Raw | None) -> str | None:
    if raw is None:
        return None
    try:
        return msgspec.json.decode(raw, type=str)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


def _object(raw: msgspec.Raw | None) -> Members:
    """Its members; none of what is no object."""
    text = bytes(raw) if raw is not None else b""
    if text[:1] != b"{":
        return {}
    try:
        return read_members(text)
    except Refusal:
        return {}
