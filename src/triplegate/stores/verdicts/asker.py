"""One guard that others run: asked in its turn and in time; what it said, or why it said nothing."""

import asyncio

import msgspec

from triplegate.core.errors import Refusal
from triplegate.core.exchange import Exchange
from triplegate.core.ports import Kit
from triplegate.stores.verdicts.remembered import Remembered, key_of
from triplegate.stores.verdicts.sending import Send, Unanswered
from triplegate.stores.verdicts.turns import Full, Turns
from triplegate.wire.guards.pieces import Pieces
from triplegate.wire.guards.told import Ask, Call, Piece, Told


class Terms(msgspec.Struct, frozen=True):
    """What is written of one guard."""

    name: str
    timeout: float
    closed: bool
    """Nothing passes without its verdict."""
    remember: float
    """Seconds that a verdict counts for the same texts; 0: it does not."""
    at_once: int
    largest: int
    """Bytes of all texts of one question."""
    about: bytes
    """The guard as written: another one's verdicts do not count."""


class Heard(msgspec.Struct, frozen=True):
    """What came of one question."""

    guard: Terms
    told: Told | None
    """None: it gave no verdict."""
    why: str = ""
    """Why not, in words of ours."""
    seconds: float = 0.0
    unseen: bool = False
    """It was never asked: there is more than it may be given."""


class Asker:
    """One guard of one policy."""

    __slots__ = ("_ask", "_now", "_remembered", "_send", "_turns", "terms")

    def __init__(self, kit: Kit, label: str, terms: Terms, ask: Ask, send: Send) -> None:
        """`label` of the policy; with the guard's name it names what is kept over reloads."""
        self.terms, self._ask, self._send = terms, ask, send
        name = f"{label}|{terms.name}"
        self._turns = kit.state(Turns, name, Turns)
        self._remembered = kit.state(Remembered, name, Remembered) if terms.remember else None
        self._now = kit.clock.now

    async def hear(self, exchange: Exchange, pieces: Pieces) -> Heard:
        """Ask about these pieces; never raises but when it is cancelled."""
        terms, begun = self.terms, self._now()
        if pieces.size > terms.largest:
            return Heard(terms, None, "too long", unseen=True)
        try:
            async with asyncio.timeout(_left(exchange, terms.timeout, begun)):
                told = await self._told(exchange, pieces)
        except TimeoutError:
            return Heard(terms, None, "timeout", self._now() - begun)
        except Full:
            return Heard(terms, None, "too many questions", self._now() - begun)
        except Unanswered as error:
            return Heard(terms, None, str(error), self._now() - begun)
        except Refusal as refusal:
            return Heard(terms, None, refusal.code, self._now() - begun)
        except (ValueError, msgspec.MsgspecError, RecursionError):
            return Heard(terms, None, "no verdict in its answer", self._now() - begun)
        except Exception:  # noqa: BLE001 - a guard that breaks gives no verdict, and nobody waits for it
            return Heard(terms, None, "broken", self._now() - begun)
        return Heard(terms, told, "", self._now() - begun)

    async def _told(self, exchange: Exchange, pieces: Pieces) -> Told:
        """What it says, or has said of the same."""
        remembered, terms = self._remembered, self.terms
        call, asked = call_of(exchange), pieces.all
        if remembered is None:
            return await self._answer(exchange, asked, call)
        key = key_of(terms.about, call.team, asked)
        told = remembered.find(key, self._now())
        if told is None:
            told = await self._answer(exchange, asked, call)
            remembered.keep(key, told, self._now() + terms.remember)
        return told

    async def _answer(self, exchange: Exchange, asked: list[Piece], call: Call) -> Told:
        question = self._ask(asked, call)
        terms = self.terms
        await self._turns.enter(terms.at_once, 4 * terms.at_once)
        try:
            return question.read([await self._send(exchange, body, terms.timeout) for body in question.bodies])
        finally:
            self._turns.leave()


def _left(exchange: Exchange, longest: float, now: float) -> float:
    """Seconds to wait: no longer than whoever called does."""
    return longest if exchange.deadline is None else max(0.0, min(longest, exchange.deadline - now))


def call_of(exchange: Exchange) -> Call:
    """What a guard may know of the call."""
    principal = exchange.principal
    team = f"{principal.org}/{principal.team}" if principal is not None else ""
    consumer = principal.consumer if principal is not None else ""
    return Call(exchange.id, getattr(exchange.call, "model", ""), team, consumer)
