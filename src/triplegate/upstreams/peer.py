"""The MCP server at the end of a line (a process, a stream), seen as one over HTTP: ids, streams, one session."""

import asyncio
import secrets
from collections.abc import Callable
from itertools import count
from typing import Protocol

import msgspec

from triplegate.core.errors import Refusal
from triplegate.core.http import Headers
from triplegate.upstreams import failures
from triplegate.upstreams.coming import Coming
from triplegate.wire.json_members import Members, read_members, set_members
from triplegate.wire.jsonrpc import Env, edit, read, read_params, write_result
from triplegate.wire.mcp_era import status_of
from triplegate.wire.sse import write_event

SESSION = b"mcp-session-id"
LISTEN = "subscriptions/listen"
JSON: Headers = [(b"content-type", b"application/json")]
_EVENTS: Headers = [(b"content-type", b"text/event-stream")]
_SUBSCRIPTION = "io.modelcontextprotocol/subscriptionId"
_DEPTH = 1000
_MOST = 4096  # calls under way, those included whose caller has left
_MOST_ASKED = 256
_MOST_LISTENERS = 8
_TO_LISTENERS = ("notifications/resources/updated",)
_NO_ANSWER = b'{"jsonrpc":"2.0","id":%b,"error":{"code":-32601,"message":"nobody can be asked at the moment"}}'
_CANCELLED = b'{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":%d}}'


class Link(Protocol):
    """A line to a peer."""

    @property
    def ended(self) -> "asyncio.Future[None]":
        """Done when nothing is left of it."""
        ...

    def send(self, text: bytes) -> None:
        """One message, on one line. Raises Refusal upstream_*: the peer gets nothing of it then."""
        ...

    def end(self, why: str = "it was ended") -> None:
        """Soon nothing is left of it. Idempotent."""
        ...


class Call:
    """A request that the peer has not answered."""

    __slots__ = ("coming", "id", "legacy", "method", "token")

    def __init__(self, env: Env, coming: Coming | None, *, legacy: bool) -> None:
        self.id = bytes(env.id)
        """The caller's own."""
        self.method = env.method
        self.coming = coming
        """None: the caller has left, but has not cancelled it."""
        self.legacy = legacy
        self.token = b""
        """The caller's own progress token, raw."""


class Peer:
    """One line's far end. All its callers share one session, which ends with it."""

    def __init__(self, label: str, on_gone: Callable[["Peer", str], None]) -> None:
        self.label = label
        self.session = secrets.token_hex(24).encode()
        self.used = 0.0
        """When it was last called or answered; whoever keeps it sets that."""
        self.link: Link | None = None
        self._on_gone = on_gone
        self._calls: dict[int, Call] = {}
        self._numbers: dict[bytes, int] = {}
        """Legacy callers' ids: they cancel by them."""
        self._next = count(1).__next__
        self._hello: bytes | None = None
        """What `initialize` was answered with."""
        self._greeters: list[Call] = []
        self._initialized = False
        self._asked: dict[bytes, None] = {}
        self._listeners: list[Coming] = []

    @property
    def busy(self) -> bool:
        """Whether somebody waits for an answer."""
        return any(call.coming is not None for call in self._calls.values())

    # towards it --------------------------------------------------------------------------------------------------
    def request(self, env: Env, coming: Coming, *, legacy: bool) -> None:
        """Send a request; what comes of it is put into `coming`. Raises Refusal upstream_*."""
        call = Call(env, coming, legacy=legacy or env.method == "initialize")
        if env.method == "initialize":
            if self._hello is not None:
                self._answer(call, write_result(call.id, self._hello), 200)
                return
            if self._greeters:
                self._greeters.append(call)
                return
        self._make_room()
        number = self._next()
        self._send(_addressed(env, call, number))
        if env.method == "initialize":
            self._greeters.append(call)
        self._calls[number] = call
        if call.legacy:
            self._numbers[call.id] = number

    def told(self, env: Env) -> None:
        """Pass a notification on. Raises Refusal upstream_*."""
        text = env.text
        if env.method == "notifications/initialized":
            if self._initialized:
                return
            self._initialized = True
        elif env.method == "notifications/cancelled":
            number = self._numbers.get(bytes(read_params(env).get("requestId", b"")))
            if number is None:
                return
            text = edit(env, params={"requestId": b"%d" % number})
            self._drop(number)  # a cancelled request is not answered
        self._send(text)

    def _make_room(self) -> None:
        """Raises Refusal upstream_busy when too many wait; those that nobody waits for any more give way."""
        if len(self._calls) < _MOST:
            return
        for number, call in self._calls.items():
            if call.coming is None:
                self._drop(number)
                return
        raise failures.busy(self.label, f"{_MOST} calls are under way")

    def _drop(self, number: int) -> None:
        """Forget a call that nobody waits for."""
        call = self._calls[number]
        if call.coming is None:
            del self._calls[number]
            self._numbers.pop(call.id, None)

    def answered(self, env: Env) -> None:
        """Pass the answer to one of its questions on; one that it never asked is dropped. Raises Refusal upstream_*."""
        if bytes(env.id) in self._asked:
            del self._asked[bytes(env.id)]
            self._send(env.text)

    def listen(self, coming: Coming) -> None:
        """Let what belongs to no call come there. Raises Refusal upstream_busy."""
        if len(self._listeners) >= _MOST_LISTENERS:
            raise failures.busy(self.label, f"{_MOST_LISTENERS} streams are open")
        self._listeners.append(coming)
        coming.begin(200, _EVENTS)

    def left(self, coming: Coming) -> None:
        """Nobody waits there any more."""
        if coming in self._listeners:
            self._listeners.remove(coming)
            return
        for number, call in self._calls.items():
            if call.coming is coming:
                call.coming = None
                if not call.legacy:  # there, a closed connection is how a call is cancelled
                    self._cancel(number, call)
                return

    def _cancel(self, number: int, call: Call) -> None:
        del self._calls[number]
        if call.method != "server/discover":  # it may be one that has never heard of any of this
            try:
                self._send(_CANCELLED % number)
            except Refusal:
                return

    def _send(self, text: bytes) -> None:
        if self.link is None:
            raise failures.unreachable(self.label, "it has ended")
        self.link.send(text.replace(b"\n", b" ").replace(b"\r", b" "))  # only white space: strings hold neither

    # from it -------------------------------------------------------------------------------------------------------
    def line(self, text: bytes) -> None:
        """One message of its output; what is none is left out, as servers print all kinds of things."""
        try:
            env = read(text, _DEPTH)
            if env.kind == "response":
                self._response(env)
            elif env.kind == "request":
                self._question(env)
            else:
                self._notification(env, read_params(env))
        except Refusal:
            return

    def _response(self, env: Env) -> None:
        number = _number(env.id)
        call = self._calls.pop(number, None) if number is not None else None
        if call is None:
            return
        self._numbers.pop(call.id, None)
        if call.method == "initialize":
            self._greeted(env)
            return
        status = 200 if call.legacy or not len(env.error) else status_of(_code(bytes(env.error)))
        self._answer(call, set_members(env.text, env.members, {"id": call.id}), status)

    def _greeted(self, env: Env) -> None:
        if len(env.result):
            self._hello = bytes(env.result)
        greeters, self._greeters = self._greeters, []
        for call in greeters:
            self._answer(call, set_members(env.text, env.members, {"id": call.id}), 200)

    def _answer(self, call: Call, text: bytes, status: int) -> None:
        coming = call.coming
        if coming is None:
            return
        if coming.status:
            coming.put(write_event(text, "message"))
        else:
            greeted = call.method == "initialize"
            coming.begin(status, [*JSON, (SESSION, self.session)] if greeted else JSON)
            coming.put(text)
        coming.end()

    def _question(self, env: Env) -> None:
        if env.method == "ping":
            self._send(write_result(bytes(env.id), b"{}"))
            return
        callers = [call.coming for call in self._calls.values() if call.coming is not None and call.legacy]
        asked = callers[-1] if callers else self._listeners[0] if self._listeners else None
        if asked is None or len(self._asked) >= _MOST_ASKED:
            self._send(_NO_ANSWER % bytes(env.id))
            return
        self._asked[bytes(env.id)] = None
        _event(asked, env.text)

    def _notification(self, env: Env, params: Members) -> None:
        if env.method == "notifications/progress":
            call = self._calls.get(_number(params.get("progressToken", msgspec.Raw(b""))) or 0)
            if call is not None and call.coming is not None and call.token and not call.coming.full:
                _event(call.coming, edit(env, params={"progressToken": call.token}))
            return
        meta = bytes(params.get("_meta", b""))
        if _SUBSCRIPTION.encode() in meta:
            self._subscribed(env, meta)
            return
        for coming in self._hearers(env.method):
            if not coming.full:
                _event(coming, env.text)

    def _subscribed(self, env: Env, meta: bytes) -> None:
        members = read_members(meta)
        call = self._calls.get(_number(members.get(_SUBSCRIPTION, msgspec.Raw(b""))) or 0)
        if call is not None and call.coming is not None and not call.coming.full:
            tagged = set_members(meta, members, {_SUBSCRIPTION: call.id})
            _event(call.coming, edit(env, params={"_meta": tagged}))

    def _hearers(self, method: str) -> list[Coming]:
        """Who is told what belongs to no call: pipes do not say what it belongs to."""
        if not method.endswith("/list_changed") and method not in _TO_LISTENERS:
            calls = [call.coming for call in self._calls.values() if call.coming is not None and call.method != LISTEN]
            if len(calls) == 1:
                return calls
        return self._listeners

    def refused(self, text: bytes, error: Refusal) -> None:
        """A message of ours did not get there: whoever waits for its answer is told."""
        env = read(text, _DEPTH)
        number = _number(env.id) if env.kind == "request" else None
        call = self._calls.pop(number, None) if number is not None else None
        if call is None:
            return
        self._numbers.pop(call.id, None)
        waiting, self._greeters = (self._greeters, []) if call.method == "initialize" else ([call], self._greeters)
        for each in waiting:
            if each.coming is not None:
                each.coming.end(error)

    def gone(self, why: str) -> None:
        """It has ended: whoever waits is told."""
        self.link = None
        error = failures.reset(self.label, why)
        waiting = [call.coming for call in (*self._calls.values(), *self._greeters)] + list(self._listeners)
        self._calls.clear()
        self._numbers.clear()
        self._listeners.clear()
        for coming in waiting:
            if coming is not None:
                coming.end(error)
        self._on_gone(self, why)


def _addressed(env: Env, call: Call, number: int) -> bytes:
    """The request under our number, which is its progress token, too: two callers may use the same."""
    params = read_params(env)
    meta = bytes(params.get("_meta", b""))
    changed: dict[str, bytes] | None = None
    if b'"progressToken"' in meta:
        members = read_members(meta)
        call.token = bytes(members.get("progressToken", b""))
        changed = {"_meta": set_members(meta, members, {"progressToken": b"%d" % number})}
    return edit(env, new_id=b"%d" % number, params=changed)


def _event(coming: Coming, text: bytes) -> None:
    if not coming.status:
        coming.begin(200, _EVENTS)
    coming.put(write_event(text, "message"))


def _number(raw: msgspec.Raw) -> int | None:
    text = bytes(raw).strip(b'"')
    return int(text) if text.isdigit() and len(text) < 19 else None


class _Error(msgspec.Struct):
    code: int = -32603


def _code(error: bytes) -> int:
    try:
        return msgspec.json.decode(error, type=_Error).code
    except msgspec.MsgspecError:
        return -32603
