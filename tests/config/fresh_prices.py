"""Write the models and prices of providers/*.yaml anew from genai-prices: `python -m tests.config.fresh_prices`.

Everything above a file's line `prices:` is written by hand; everything below comes from here, the same each time.
"""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from importlib.metadata import version
from itertools import permutations
from pathlib import Path
from typing import Any

from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import (
    ClauseAnd,
    ClauseContains,
    ClauseEndsWith,
    ClauseEquals,
    ClauseOr,
    ClauseRegex,
    ClauseStartsWith,
    ConditionalPrice,
    ModelInfo,
    ModelPrice,
    StartDateConstraint,
    TieredPrices,
    TimeOfDateConstraint,
)

PROVIDERS = Path(__file__).parents[2] / "providers"
AS_OF = date(2026, 11, 24)
"""Prices that ended before this day are not written."""
TABLES = {
    "anthropic": ("anthropic",),
    "azure": ("azure", "openai"),
    "baseten": ("baseten",),
    "bedrock": ("aws",),
    "cerebras": ("cerebras",),
    "cohere": ("cohere",),
    "deepseek": ("deepseek",),
    "fireworks": ("fireworks",),
    "gemini": ("google",),
    "groq": ("groq",),
    "minimax": ("minimax",),
    "mistral": ("mistral",),
    "moonshot": ("moonshotai",),
    "novita": ("novita",),
    "openai": ("openai",),
    "openrouter": ("openrouter",),
    "ovhcloud": ("ovhcloud",),
    "perplexity": ("perplexity",),
    "together": ("together",),
    "vertex": ("google", "anthropic"),
    "xai": ("x-ai",),
    "zai": ("zai",),
}
"""Our provider → the tables it is priced by; of two models of one name the first table's is taken."""
NOT_THERE = {"gemini": ("claude", "llama", "meta/", "mistral", "jamba", "deepseek", "qwen", "openai/", "gpt-oss")}
"""Beginnings of names that stand in a table and are not served by that provider."""
TOKENS = {
    "input_mtok": "input",
    "output_mtok": "output",
    "cache_read_mtok": "cache_read",
    "cache_write_mtok": "cache_write_5m",
    "cache_write_5m_mtok": "cache_write_5m",
    "cache_write_1h_mtok": "cache_write_1h",
    "input_audio_mtok": "audio_in",
    "input_image_mtok": "image_in",
    "output_reasoning_mtok": "reasoning",
    "output_audio_mtok": "audio_out",
}
UNITS = {
    "web_searches_kcount": ("web_searches", 1000),
    "storage_searches_kcount": ("file_searches", 1000),
    "audio_hours": ("seconds", 3600),
    "input_audio_hours": ("seconds", 3600),
    "input_mchars": ("characters", 1_000_000),
}
LIKE_OTHERS = frozenset({"cache_audio_read_mtok", "cache_image_read_mtok"})
"""Cached sound and images cost like other cached input here."""
TIERS = {"processing": ("batch",), "service_tier": ("flex", "priority", "fast"), "speed": ("fast",)}
"""What tells variants apart there → those that a reply tells of; `batch` is known by how the call was made."""
NOT_SPEECH = r"^(?!.*-[tT][tT][sS](?:$|-))"
"""Models that speak have entries of their own, which are found first by their names."""
FINEST = Decimal("1e-16")
"""A millionth of the ledger's unit: no counted thing has a finer price."""

Flat = dict[str, Any]


class Unusable(Exception):
    """A model has a price for something that no usage tells of."""


def flat(price: ModelPrice, length: int) -> Flat:
    """Our fields of a price for an input of `length` tokens. Raises Unusable."""
    found: Flat = {}
    units: dict[str, Decimal] = {}
    for key, value in vars(price).items():
        if value is None or key in LIKE_OTHERS:
            continue
        amount = _at(value, length)
        if key in TOKENS:
            found[TOKENS[key]] = amount
        elif key in UNITS:
            name, per = UNITS[key]
            units[name] = (amount / per).quantize(FINEST, ROUND_HALF_EVEN)
        elif key == "requests_kcount":
            found["call"] = amount / 1000
        else:
            raise Unusable(key)
    return {**found, "units": units}


def _at(value: Any, length: int) -> Decimal:
    if not isinstance(value, TieredPrices):
        return value
    return next((tier.price for tier in reversed(value.tiers) if length > tier.start), value.base)


def difference(there: Flat, here: Flat) -> Flat:
    """What turns `here` into `there`: null takes a price away, 0 where nothing else would cost less."""
    names = dict.fromkeys([*here, *there])
    found: Flat = {}
    for name in names:
        if name == "units":
            units = {
                unit: there["units"].get(unit, Decimal(0))
                for unit in dict.fromkeys([*here["units"], *there["units"]])
                if there["units"].get(unit) != here["units"].get(unit)
            }
            found |= {"units": units} if units else {}
        elif there.get(name) != here.get(name):
            found[name] = there.get(name, Decimal(0) if name in ("call", "input", "output") else None)
    return found


def above(price: ModelPrice) -> list[Flat]:
    """The lengths at which a price changes, each with what differs from the shortest."""
    starts = sorted(
        {tier.start for value in vars(price).values() if isinstance(value, TieredPrices) for tier in value.tiers}
    )
    base = flat(price, 0)
    return [{"tokens": start, **difference(flat(price, start + 1), base)} for start in starts]


def at(model: ModelInfo, moment: datetime) -> tuple[Flat, list[Flat], dict[str, Flat]]:
    """(prices, by length, by service tier) at one moment; the last two as differences."""
    standard = model.get_prices(moment)
    base, lengths = flat(standard, 0), above(standard)
    tiers: dict[str, Flat] = {}
    for kind, names in TIERS.items():
        for name in names:
            if not any(variant.when == {kind: name} for variant in model.price_variants or ()):
                continue
            price = model.get_prices(moment, {kind: name})
            if price != standard:
                own = above(price)
                tiers[name] = {**difference(flat(price, 0), base), **({"above": own} if own != lengths else {})}
    return base, lengths, tiers


def periods(model: ModelInfo) -> Iterator[tuple[date, date | None]]:
    """The stretches of days without a change of prices, the first beginning at AS_OF."""
    conditions = [*(model.prices if isinstance(model.prices, list) else ()), *(model.price_variants or ())]
    starts = {one.constraint.start_date for one in conditions if isinstance(one.constraint, StartDateConstraint)}
    days = [AS_OF, *sorted(day for day in starts if day > AS_OF)]
    yield from zip(days, [*days[1:], None], strict=True)


def hours(model: ModelInfo) -> list[tuple[time, time]]:
    """The daily intervals with other prices."""
    conditions: list[ConditionalPrice] = model.prices if isinstance(model.prices, list) else []
    found = [
        (one.constraint.start_time, one.constraint.end_time)
        for one in conditions
        if isinstance(one.constraint, TimeOfDateConstraint)
    ]
    return sorted(found)


def times(model: ModelInfo) -> list[tuple[dict[str, str], datetime]]:
    """(when, a moment of it) of everything but now, the hours of a day before the day."""
    found = []
    outside = next(hour for hour in range(24) if not any(_within(time(hour, 59), *one) for one in hours(model)))
    for since, until in periods(model):
        days = ({"since": f"{since}"} if since != AS_OF else {}) | (
            {"until": f"{until}"} if until and since != AS_OF else {}
        )
        if since == AS_OF and until and hours(model):
            days = {"until": f"{until}"}
        for first, last in hours(model):
            moment = datetime.combine(since, first.replace(tzinfo=None), UTC)
            found.append(({**days, "hours": f"{first:%H:%M}-{last:%H:%M}"}, moment + timedelta(seconds=1)))
        if since != AS_OF:
            found.append((days, datetime.combine(since, time(outside, 59), UTC)))
    return found


def _within(now: time, first: time, last: time) -> bool:
    first, last = first.replace(tzinfo=None), last.replace(tzinfo=None)
    return first <= now < last if first <= last else now >= first or now < last


def entry(model: ModelInfo) -> Flat:
    """A model as our files have it. Raises Unusable."""
    outside = next(hour for hour in range(24) if not any(_within(time(hour, 59), *one) for one in hours(model)))
    base, lengths, tiers = at(model, datetime.combine(AS_OF, time(outside, 59), UTC))
    found: Flat = {name: value for name, value in base.items() if name != "units" or value}
    found |= {"above": lengths} if lengths else {}
    found |= {"service": tiers} if tiers else {}
    later = []
    for when, moment in times(model):
        then, then_lengths, then_tiers = at(model, moment)
        differs = difference(then, base)
        differs |= {"above": then_lengths} if then_lengths != lengths else {}
        changed = {
            tier: then_tiers.get(tier, {})
            for tier in {**tiers, **then_tiers}
            if then_tiers.get(tier, {}) != tiers.get(tier)
        }
        differs |= {"service": changed} if changed else {}
        later.append({**when, **differs})
    if any(set(one) - {"since", "until", "hours"} for one in later):
        found["times"] = later
    if model.context_window:
        found["context"] = model.context_window
    return found


# names -------------------------------------------------------------------------------------------------------
def names(clause: Any) -> Iterator[str]:
    """The names and patterns that a clause stands for; what cannot be written as one is left out."""
    if isinstance(clause, ClauseOr):
        for one in clause.or_:
            yield from names(one)
    elif isinstance(clause, ClauseEquals):
        yield clause.equals
    elif isinstance(clause, ClauseRegex):
        yield from _expression(clause.regex)
    else:
        yield from _parts([clause] if not isinstance(clause, ClauseAnd) else clause.and_)


def _covers(wide: str, name: str) -> bool:
    return wide.endswith("*") and "*" not in wide[:-1] and name.startswith(wide[:-1])


def _parts(clauses: list[Any]) -> Iterator[str]:
    clauses = [one for one in clauses if not (isinstance(one, ClauseRegex) and one.regex == NOT_SPEECH)]
    first = next((one.starts_with for one in clauses if isinstance(one, ClauseStartsWith)), "")
    last = next((one.ends_with for one in clauses if isinstance(one, ClauseEndsWith)), "")
    middle = [one.contains for one in clauses if isinstance(one, ClauseContains)]
    if len(middle) + bool(first) + bool(last) != len(clauses):
        return
    for order in permutations(middle):
        yield re.sub(r"\*+", "*", "*".join([first, *order, last]))


def _expression(text: str) -> Iterator[str]:
    """A pattern for an expression of the few kinds that there are. Raises ValueError for a new one."""
    plain = text.removeprefix("^").removesuffix("$").replace(r"\.", ".")
    plain = re.sub(r"\\d\{(\d)\}", lambda found: "[0-9]" * int(found[1]), plain).replace(r"\d", "[0-9]")
    if not text.startswith("^") or not re.fullmatch(r"(?:[\w./:@-]|\[0-9\]|\[-@\])+", plain):
        raise ValueError(f"an expression of another kind: {text}")
    yield plain if text.endswith("$") else f"{plain}*"


# text --------------------------------------------------------------------------------------------------------
def written(value: Any) -> str:
    """A value in YAML's flow form."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{written(name)}: {written(one)}" for name, one in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(written(one) for one in value) + "]"
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    if value is None:
        return "null"
    text = str(value)
    return text if isinstance(value, int) or re.fullmatch(r"[A-Za-z][\w./@-]*(?::[\w./@-]+)*", text) else f'"{text}"'


def models(provider: str) -> tuple[dict[str, Flat], dict[str, str]]:
    """Models of a provider by name, and those left out with what nobody counts."""
    found: dict[str, Flat] = {}
    left_out: dict[str, str] = {}
    tables = {one.id: one for one in get_snapshot().providers}
    for place, name in enumerate(TABLES[provider]):
        before = [tables[one] for one in TABLES[provider][:place]]
        for model in tables[name].models:
            if any(one.find_model(model.id) for one in before) or model.id.startswith(NOT_THERE.get(provider, ("?",))):
                continue
            try:
                prices = entry(model)
            except Unusable as unusable:
                left_out[model.id] = str(unusable)
                continue
            others = [name for name in dict.fromkeys(names(model.match)) if name != model.id and " " not in name]
            others = [one for one in others if not any(one != wide and _covers(wide, one) for wide in others)]
            found[model.id] = {**({"also": others[:64]} if others else {}), **prices}
    return found, left_out


def tail(provider: str) -> str:
    """The generated end of a provider's file."""
    found, left_out = models(provider)
    lines = [f"    prices: genai-prices-{version('genai-prices')}\n"]
    lines.append(f"    # As of {AS_OF}; written by `python -m tests.config.fresh_prices`, like all that follows.\n")
    if left_out:
        lines.append(f"    # Without a price, because no usage tells what it is for: {', '.join(left_out)}\n")
    lines.append("    models:\n")
    lines += [f"      {written(name)}: {written(prices)}\n" for name, prices in found.items()]
    return "".join(lines)


def fresh(provider: str, text: str) -> str:
    """The file `text` of a provider with its end made anew."""
    head, _, _ = text.partition("    prices: genai-prices-")
    return head + tail(provider)


if __name__ == "__main__":
    for provider in TABLES:
        path = PROVIDERS / f"{provider}.yaml"
        path.write_text(fresh(provider, path.read_text()))
        found, left_out = models(provider)
        print(path.name, len(found), "models,", len(left_out), "left out")
