"""What users say in a call, for those who judge it as a whole."""

from triplegate.wire.neutral import Request, Text
from triplegate.wire.screening.asked import strings_seen
from triplegate.wire.screening.holding import Spoken

_LEAST = 10
"""Characters of the shortest string of plain JSON that is somebody's words; names of models have no spaces."""


def said_in(request: Request) -> Spoken:
    """Every turn of users."""
    texts = [
        part.text
        for message in request.messages
        if message.role == "user"
        for part in message.parts
        if isinstance(part, Text)
    ]
    return Spoken("input", tuple(texts))


def said_in_json(body: bytes) -> Spoken:
    """Every string with words in a body that no dialect reads. Raises ValueError for one that is no JSON."""
    texts: list[str] = []

    def keep(piece: str) -> str:
        if len(piece) >= _LEAST and (not piece.isascii() or " " in piece.strip()):
            texts.append(piece)
        return piece

    strings_seen(body.decode("utf-8"), keep)
    return Spoken("input", tuple(texts))
