"""A guard for tests: it does what its script says when it is asked."""

import json

from triplegate.stores.verdicts.asker import Asker, Terms
from triplegate.wire.guards.pieces import Pieces
from triplegate.wire.guards.told import Question, Told


def terms(name="a", **more):
    fields = {"timeout": 30.0, "closed": True, "remember": 0.0, "at_once": 4, "largest": 1000, "about": b"a"}
    return Terms(name, **(fields | more))


def ask(pieces, call):
    """Its question is the texts; its answer is {"action": …} or nothing that can be read."""

    def read(replies):
        said = json.loads(replies[0])
        if "crash" in said:
            raise KeyError(said["crash"])
        return Told(said["action"], said.get("kinds", {}))

    return Question((json.dumps([piece.text for piece in pieces]).encode(),), read)


def says(action):
    async def send(exchange, body, seconds):
        return json.dumps({"action": action}).encode()

    return send


def asker(kit, send, name="a", **more):
    return Asker(kit, "g", terms(name, **more), ask, send)


def pieces_with(*texts):
    pieces = Pieces()
    for text in texts:
        pieces.taking("input")(text)
    return pieces
