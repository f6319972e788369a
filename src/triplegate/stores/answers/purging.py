"""Forget remembered answers: by team, model or tag, or all that are older than a moment."""

from collections.abc import Sequence

import msgspec

from triplegate.core.ports import Cache

TAG = "answers"
_BEFORE = f"{TAG}:before"
_LONGEST = 366 * 86_400.0  # no answer is remembered longer
_moments = msgspec.json.Decoder(dict[str, float]).decode
_encode = msgspec.json.Encoder().encode


def tags_of(team: str, model: str, tags: Sequence[str]) -> list[str]:
    """By what an answer can be forgotten."""
    return [TAG, f"{TAG}:team:{team}", f"{TAG}:model:{model}", *[f"{TAG}:tag:{tag}" for tag in tags]]


async def purge(cache: Cache, *, team: str = "", model: str = "", tag: str = "") -> int:
    """Forget the answers of a team, of a model or of a tag; all of them where none is named. How many."""
    if team:
        return await cache.drop_tag(f"{TAG}:team:{team}")
    if model:
        return await cache.drop_tag(f"{TAG}:model:{model}")
    return await cache.drop_tag(f"{TAG}:tag:{tag}" if tag else TAG)


async def purge_before(cache: Cache, moment: float, team: str = "") -> None:
    """Never tell again what was answered before `moment` (Unix seconds), to one team or to anyone."""
    moments = await _read(cache)
    moments[team] = max(moment, moments.get(team, 0.0))
    await cache.put(_BEFORE, _encode(moments), _LONGEST)


async def purged_before(cache: Cache, team: str) -> float:
    """Answers to this team from before that moment are forgotten."""
    moments = await _read(cache)
    return max(moments.get("", 0.0), moments.get(team, 0.0)) if moments else 0.0


async def _read(cache: Cache) -> dict[str, float]:
    stored = await cache.get(_BEFORE)
    return {} if stored is None else _moments(stored)
