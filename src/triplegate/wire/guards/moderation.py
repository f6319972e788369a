"""Moderation endpoints in OpenAI's form: texts in batches; categories and scores back."""

from collections.abc import Mapping, Sequence

import msgspec

from triplegate.wire.guards.told import Action, Ask, Call, Piece, Question, Told, counted, plain

BATCH = 32
"""Texts of one message."""


class _Result(msgspec.Struct):
    flagged: bool
    categories: dict[str, bool | None] = {}
    category_scores: dict[str, float | None] = {}


class _Reply(msgspec.Struct):
    results: list[_Result]


_READ = msgspec.json.Decoder(_Reply)


def moderation(model: str | None, thresholds: Mapping[str, float], categories: Sequence[str], action: Action) -> Ask:
    """Finds what reaches a threshold, else what is flagged in one of `categories`, else whatever is flagged.

    A category that the endpoint does not know makes no verdict: what is misspelt must not pass.
    """
    named = {"model": model} if model else {}

    def found(result: _Result) -> list[str]:
        if thresholds:
            return [name for name, least in thresholds.items() if _score(result, name) >= least]
        if categories:
            return [name for name in categories if _flag(result, name)]
        flagged = [name for name, flag in result.categories.items() if flag]
        return flagged or (["flagged"] if result.flagged else [])

    def ask(pieces: Sequence[Piece], _: Call) -> Question:
        texts = [plain(piece.text) for piece in pieces]
        batches = [texts[at : at + BATCH] for at in range(0, len(texts), BATCH)]

        def read(replies: Sequence[bytes]) -> Told:
            names: list[str] = []
            for batch, reply in zip(batches, replies, strict=True):
                results = _READ.decode(reply).results
                if len(results) != len(batch):
                    raise ValueError("not one result for each text")
                for result in results:
                    names += found(result)
            return Told(action, counted(names)) if names else Told()

        return Question(tuple([msgspec.json.encode({**named, "input": batch}) for batch in batches]), read)

    return ask


def _score(result: _Result, name: str) -> float:
    score = result.category_scores.get(name)
    if score is None:
        raise ValueError("no score for a category with a threshold")
    return score


def _flag(result: _Result, name: str) -> bool:
    flag = result.categories.get(name)
    if flag is None:
        raise ValueError("nothing said of a category that is asked for")
    return flag
