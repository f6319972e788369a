"""The sample REST service: orders in memory, a live stream of them, and paths that are slow, wrong or curious."""

import asyncio
import hashlib
import itertools
from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, TypeVar

import msgspec

from triplegate.samples.control import Control
from triplegate.samples.http import Answer, Handler, Refused, Request
from triplegate.samples.journal import Journal
from triplegate.samples.latch import Latches

T = TypeVar("T")
_ORDERS = 10_000
_PROBLEM = "application/problem+json"


class Item(msgspec.Struct, forbid_unknown_fields=True):
    """A line of an order; the price is in cents."""

    sku: str
    quantity: Annotated[int, msgspec.Meta(ge=1)]
    price: Annotated[int, msgspec.Meta(ge=0)]


class Draft(msgspec.Struct, forbid_unknown_fields=True):
    """What a client sends."""

    customer: str
    items: list[Item]
    currency: str = "EUR"
    status: Literal["open", "paid", "shipped", "cancelled"] = "open"


class Order(Draft):
    """What is kept."""

    id: str = ""
    total: int = 0
    """In cents."""
    created: str = ""


def problem(status: int, title: str, *headers: tuple[str, str]) -> Refused:
    """An error answer (RFC 9457)."""
    return Refused(Answer.json({"type": "about:blank", "title": title, "status": status}, status, headers, _PROBLEM))


def tag(order: Order) -> str:
    """The entity tag of an order as it is now."""
    return f'"{hashlib.sha256(msgspec.json.encode(order)).hexdigest()[:16]}"'


class Book:
    """The orders themselves; the MCP sample reads the same ones."""

    def __init__(self) -> None:
        self.orders: dict[str, Order] = {}
        self._ids = itertools.count(1001)
        for customer, status, items in (
            ("Ada Lovelace", "shipped", [Item("engine-model", 1, 129_00), Item("punch-card-100", 3, 4_50)]),
            ("Grace Hopper", "paid", [Item("nanosecond-wire", 12, 1_20)]),
            ("Alan Turing", "open", [Item("paper-tape", 2, 9_90), Item("rotor-iv", 1, 240_00)]),
            ("Katherine Johnson", "open", [Item("slide-rule", 1, 35_00)]),
            ("Edsger Dijkstra", "cancelled", [Item("semaphore", 2, 18_75)]),
        ):
            self.keep(Draft(customer, items, status=status))  # type: ignore[arg-type]

    def keep(self, draft: Draft, identity: str = "") -> Order:
        """Store a draft as an order, new or in place of the one with that id."""
        identity = identity or f"ord_{next(self._ids)}"
        if identity not in self.orders and len(self.orders) >= _ORDERS:
            raise problem(409, "the book is full")
        before = self.orders.get(identity)
        created = before.created if before else datetime.now(UTC).isoformat(timespec="seconds")
        total = sum(item.quantity * item.price for item in draft.items)
        fields = msgspec.structs.asdict(draft)
        order = self.orders[identity] = Order(**fields, id=identity, total=total, created=created)
        return order

    def get(self, identity: str) -> Order:
        """The order, or 404."""
        if (order := self.orders.get(identity)) is None:
            raise problem(404, f"no order {identity}")
        return order


class Orders:
    """The handler of the orders service."""

    def __init__(self, book: Book, latches: Latches) -> None:
        self._book, self._latches = book, latches
        self._paths: dict[str, Callable[[Request], Awaitable[Answer]]] = {
            "/orders": self._all,
            "/orders/stream": self._stream,
            "/slow": self._slow,
            "/error": self._error,
            "/echo": self._echo,
            "/upload": self._upload,
            "/health": self._health,
        }

    async def __call__(self, request: Request) -> Answer:
        """Answer one request."""
        path = request.path.removeprefix("/public") or "/health"  # everything is also below /public
        if (handler := self._paths.get(path)) is not None:
            return await handler(request)
        parts = path.split("/")
        if len(parts) == 3 and parts[1] == "orders" and parts[2]:
            return await self._one(request, parts[2])
        raise problem(404, f"nothing at {path}")

    async def _all(self, request: Request) -> Answer:
        if request.method == "POST":
            return self._created(self._book.keep(await _read(request, Draft)))
        _allow(request, "GET", "HEAD", "POST")
        status = request.query.get("status")
        limit, offset = int(request.number("limit", 50, 1, 1000)), int(request.number("offset", 0, 0, _ORDERS))
        orders = [order for order in self._book.orders.values() if status in {None, order.status}]
        return Answer.json({"orders": orders[offset : offset + limit], "count": len(orders)})

    async def _one(self, request: Request, identity: str) -> Answer:
        _allow(request, "GET", "HEAD", "POST", "PUT", "DELETE")
        if request.method == "POST":
            draft = await _read(request, Draft)
            if identity in self._book.orders:
                raise problem(409, f"there is an order {identity} already")
            return self._created(self._book.keep(draft, identity))
        order = self._book.get(identity)
        if request.method in {"GET", "HEAD"}:
            if request.header("if-none-match") == tag(order):
                return Answer(status=304, headers=[("etag", tag(order))])
            return Answer.json(order, headers=[("etag", tag(order))])
        if request.header("if-match") not in {"", "*", tag(order)}:
            raise problem(412, "the order has changed meanwhile", ("etag", tag(order)))
        if request.method == "DELETE":
            del self._book.orders[identity]
            return Answer(status=204)
        order = self._book.keep(await _read(request, Draft), identity)
        return Answer.json(order, headers=[("etag", tag(order))])

    @staticmethod
    def _created(order: Order) -> Answer:
        return Answer.json(order, 201, [("location", f"/orders/{order.id}"), ("etag", tag(order))])

    async def _stream(self, request: Request) -> Answer:
        """Server-sent events, one an `interval` (seconds), `count` of them (0: no end), stepped by `latch`."""
        interval, count = request.number("interval", 1, 0, 60), int(request.number("count", 0, 0, 1_000_000))
        latch = self._latches.get(request.query["latch"]) if "latch" in request.query else None
        last = request.header("last-event-id")
        first = int(last) + 1 if last.isdecimal() else 1

        async def events() -> AsyncGenerator[bytes, None]:
            yield b"retry: 1000\n\n"
            for number in itertools.count(first):
                if latch is not None:
                    await latch.pass_one()
                orders = list(self._book.orders.values())
                body = msgspec.json.encode(orders[number % len(orders)] if orders else {})
                yield b"id: %d\nevent: order\ndata: %b\n\n" % (number, body)
                if number - first + 1 == count:
                    return
                await asyncio.sleep(interval)

        answer = Answer(events(), content_type="text/event-stream", headers=[("cache-control", "no-store")])
        answer.ended = latch.end if latch is not None else None
        return answer

    @staticmethod
    async def _slow(request: Request) -> Answer:
        """Wait `seconds` before the head, or (`where=body`) after the head and the first half of the body."""
        seconds = request.number("seconds", 1, 0, 300)
        whole = msgspec.json.encode({"waited": seconds})
        if request.query.get("where") != "body":
            await asyncio.sleep(seconds)
            return Answer(whole, content_type="application/json")

        async def halves() -> AsyncGenerator[bytes, None]:
            yield whole[:4]
            await asyncio.sleep(seconds)
            yield whole[4:]

        return Answer(halves(), content_type="application/json")

    @staticmethod
    async def _error(request: Request) -> Answer:
        """Fail with `status`, and with `Retry-After: retry_after` when given."""
        after = [("retry-after", request.query["retry_after"])] if "retry_after" in request.query else []
        raise problem(int(request.number("status", 500, 400, 599)), "asked to fail", *after)

    @staticmethod
    async def _echo(request: Request) -> Answer:
        """Tell what arrived: method, target, path, query, headers in order, length and SHA-256 of the body."""
        told: dict[str, Any] = {"method": request.method, "target": request.target, "path": request.path}
        told |= {"query": request.query, "headers": request.headers}
        return Answer.json(told | await _digest(request))

    @staticmethod
    async def _upload(request: Request) -> Answer:
        """Read a body of any size without keeping it."""
        _allow(request, "POST", "PUT", "PATCH")
        return Answer.json(await _digest(request))

    @staticmethod
    async def _health(request: Request) -> Answer:
        return Answer.json({"status": "ok"})


async def _digest(request: Request) -> dict[str, Any]:
    size, digest = 0, hashlib.sha256()
    async for chunk in request.chunks():
        size += len(chunk)
        digest.update(chunk)
    return {"bytes": size, "sha256": digest.hexdigest()}


def _allow(request: Request, *methods: str) -> None:
    if request.method not in methods:
        raise problem(405, f"{request.method} is not allowed here", ("allow", ", ".join(methods)))


async def _read(request: Request, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(await request.body(), type=kind)
    except msgspec.DecodeError as error:
        raise problem(400, str(error)) from None


def handler(book: Book | None = None, journal: Journal | None = None) -> Handler:
    """The orders service, ready for a `Server`."""
    latches = Latches()
    return Control("orders", Orders(book or Book(), latches), latches, journal)
