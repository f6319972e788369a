"""Which questions may get the answer of another one that means the same; more is forbidden than for equal ones."""

import re

from triplegate.stores.answers.recall import Asked

LONGEST = 1200
"""Characters of a question: what is longer the embedders do not read to its end."""
_TIME = re.compile(
    r"\b(?:today|tonight|yesterday|tomorrow|now|nowadays|latest|current|currently|recent|recently|"
    r"(?:this|next|last) (?:week|month|year|morning|evening|night|weekend)|"
    r"price|prices|weather|forecast|news|stock|score)\b",
    re.IGNORECASE,
)
_PERSONAL = re.compile(
    r"\b(?:my|our) (?:last |latest |recent |own )?(?:order|orders|booking|reservation|invoice|invoices|appointment|"
    r"balance|address|email|phone|name|birthday|salary|age|doctor|wife|husband|son|daughter|boss|calendar|inbox|cart|basket)\b",
    re.IGNORECASE,
)
_SECRET = re.compile(
    r"[\w.+-]+@[\w-]+\.[\w.-]+|\b(?:\d[ -]?){12,19}\b|\b[A-Z]{2}\d{2}[A-Z0-9]{10,30}\b|"
    r"\b(?:sk|pk|ghp|gho|xox[abp]|AKIA|tg)[-_][\w-]{8,}|\bAKIA[0-9A-Z]{12,}\b|-----BEGIN"
)


def why_not_meant(asked: Asked, warmest: float, *, personal: bool) -> str:
    """Why only an equal question's answer will do; empty when one that means the same may.

    `warmest`: highest temperature; `personal`: answers are shared with nobody else, so they may be personal.
    """
    request, text = asked.request, asked.normal.text
    if not text.strip():
        return "the last words are not text"
    if request.tools or (request.temperature is not None and request.temperature > warmest):
        return "tools are offered" if request.tools else "too high a temperature"
    if len(text) > LONGEST:
        return "too long to be embedded"
    if _SECRET.search(text):
        return "it holds what may be personal or secret"
    if _TIME.search(text):
        return "its answer changes with time"
    return "its answer is personal" if not personal and _PERSONAL.search(text) else ""
