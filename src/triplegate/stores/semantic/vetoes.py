"""What forbids one question the answer of another, however alike they are: each word here decides what is answered.

Numbers, denial, opposites, names, direction, question, language, form, code, length (llm.md §10.4). All are exact and
lexical; a veto costs a call, its absence may cost a wrong answer.
"""

import re
from collections.abc import Callable
from functools import lru_cache

import msgspec

from triplegate.stores.semantic.vocabulary import FORMS, LANGUAGES, MARKS, OPPOSITES, PREPOSITIONS
from triplegate.stores.semantic.words import Words, stem

_ASKS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("time", re.compile(r"\b(?:when|how long|how soon|what time|what date|what day|what year|how often)\b")),
    ("place", re.compile(r"\b(?:where|what place|what country|what city)\b")),
    ("person", re.compile(r"\b(?:who|whom|whose)\b")),
    ("reason", re.compile(r"\b(?:why|how come|what causes|what is the reason)\b")),
    (
        "amount",
        re.compile(r"\b(?:how much|how many|how large|how big|how tall|how far|how old|what price|what is the cost)\b"),
    ),
)
_CODE = re.compile(r"```.*?```|`[^`]+`", re.DOTALL)
_QUOTED = re.compile(r"[\"“”«»]([^\"“”«»]{1,200})[\"“”«»]")
_ADDRESS = re.compile(
    r"\b[\w.+-]+@[\w-]+\.[\w.-]+\b|\bhttps?://\S+|\b(?:[\w-]+\.)+(?:com|org|net|io|dev|gov|edu|ai|app)\b\S*",
    re.IGNORECASE,
)
_IDENTIFIER = re.compile(
    r"\b(?:[A-Za-z]+_[A-Za-z0-9_]+|[a-z]+[A-Z]\w*|[A-Z]{2,}\d*|[A-Za-z]+\d[\w-]*|\d+[A-Za-z]\w*)\b|[\w-]+\(\)|--?[a-z][\w-]+"
)
_NAME = re.compile(r"(?<![.!?:]\s)(?<!^)(?<![\"“(\n])\b[A-Z][a-z]+\b")
_PLAIN_CAPITALS = frozenset({"I", "OK", "Hi", "Hello", "Dear", "Please", "Thanks", "Thank"})


class Traits(msgspec.Struct, frozen=True, eq=False):
    """What of a text must be equal in another that gets its answer."""

    words: Words
    names: frozenset[str]
    exact: frozenset[str]
    """Code, quotations, addresses, identifiers: as they stand."""
    forms: frozenset[str]
    asks: frozenset[str]
    language: str


@lru_cache(maxsize=4096)
def traits(said: Words) -> Traits:
    """The traits of one text."""
    text = said.text
    bare = _CODE.sub(" ", text)
    exact = {found.strip("`").strip() for found in _CODE.findall(text)}
    exact |= {found.strip().lower() for found in _QUOTED.findall(bare)}
    exact |= {found.rstrip(".,;:!?)").lower() for found in _ADDRESS.findall(bare)}
    identifiers = {
        found.lower() for found in _IDENTIFIER.findall(_ADDRESS.sub(" ", bare)) if found not in _PLAIN_CAPITALS
    }
    names = {found.lower() for found in _NAME.findall(bare) if found not in _PLAIN_CAPITALS}
    plain = " ".join(said.normal)
    forms = frozenset(
        {stem(word) for word in said.normal if word in FORMS} | {w for w in said.normal if w in LANGUAGES}
    )
    asks = frozenset({name for name, pattern in _ASKS if pattern.search(plain)})
    return Traits(said, frozenset(names), frozenset(exact | identifiers), forms, asks, language(text))


def veto(one: Words, other: Words) -> str:
    """Why the answer of `other` must not be given to `one`; empty when nothing forbids it."""
    if one.normal == other.normal and traits(one).exact == traits(other).exact:
        return ""
    here, there = traits(one), traits(other)
    for name, forbids in _VETOES:
        if forbids(here, there):
            return name
    return ""


def _numbers(one: Traits, other: Traits) -> bool:
    return one.words.numbers != other.words.numbers


def _denial(one: Traits, other: Traits) -> bool:
    return one.words.denied % 2 != other.words.denied % 2


def _pairs() -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for pair in OPPOSITES.replace("\n", "|").split("|"):
        if pair.strip():
            left, right = pair.split()
            for word, against in ((left, right), (right, left)):
                for form in {word, stem(word)}:
                    found.setdefault(form, set()).update({against, stem(against)})
    return {word: frozenset(against) for word, against in found.items()}


_AGAINST = _pairs()


def _opposites(one: Traits, other: Traits) -> bool:
    """A word of one whose opposite stands in the other, where neither has both."""
    here, there = _all(one), _all(other)
    for word in here - there:
        against = _AGAINST.get(word)
        if against is not None and against & (there - here):
            return True
    return False


def _all(one: Traits) -> frozenset[str]:
    return frozenset(one.words.normal) | frozenset(one.words.content)


def _names(one: Traits, other: Traits) -> bool:
    """A name of one that the other does not know, however it is written."""
    return bool(one.names - _all(other)) or bool(other.names - _all(one))


def _exact(one: Traits, other: Traits) -> bool:
    def known(traits: Traits) -> frozenset[str]:
        return traits.exact | frozenset(traits.words.normal)

    return bool(one.exact - known(other)) or bool(other.exact - known(one))


def _forms(one: Traits, other: Traits) -> bool:
    return one.forms != other.forms


def _asks(one: Traits, other: Traits) -> bool:
    return bool(one.asks) and bool(other.asks) and not one.asks & other.asks


def _language(one: Traits, other: Traits) -> bool:
    return bool(one.language) and bool(other.language) and one.language != other.language


def _length(one: Traits, other: Traits) -> bool:
    short, long = sorted((len(one.words.normal), len(other.words.normal)))
    return long > 2 * short + 4


def _order(one: Traits, other: Traits) -> bool:
    """The same words in another order say who does what to whom: nearly one bag, of which two changed places."""
    here, there = one.words.content, other.words.content
    if here != there and sorted(here) == sorted(there):
        return True
    bag, its = set(here), set(there)
    if len(bag & its) < 2 or len(bag & its) < 0.75 * len(bag | its):
        return False
    shared = [word for word in here if word in its and here.count(word) == 1 and there.count(word) == 1]
    return shared != [word for word in there if word in shared]


def _qualified(one: Traits, other: Traits) -> bool:
    """One is the other with a condition more: 'in children', 'for free', 'without a key'."""
    here, there = set(one.words.content), set(other.words.content)
    if here == there or not (here > there or there > here):
        return False
    longer, more = (one, here - there) if here > there else (other, there - here)
    normal = longer.words.normal
    for at, word in enumerate(normal[1:], 1):
        before = normal[max(0, at - 3) : at]
        if stem(word) in more and any(w in PREPOSITIONS for w in before):
            return True
    return False


_VETOES: tuple[tuple[str, Callable[[Traits, Traits], bool]], ...] = (
    ("numbers", _numbers),
    ("denial", _denial),
    ("opposites", _opposites),
    ("names", _names),
    ("exact", _exact),
    ("form", _forms),
    ("question", _asks),
    ("language", _language),
    ("length", _length),
    ("order", _order),
    ("qualified", _qualified),
)

_SCRIPTS = (
    ("cyrillic", re.compile(r"[\u0400-\u04ff]")),
    ("greek", re.compile(r"[\u0370-\u03ff]")),
    ("hebrew", re.compile(r"[\u0590-\u05ff]")),
    ("arabic", re.compile(r"[\u0600-\u06ff]")),
    ("devanagari", re.compile(r"[\u0900-\u097f]")),
    ("thai", re.compile(r"[\u0e00-\u0e7f]")),
    ("hangul", re.compile(r"[\uac00-\ud7af]")),
    ("kana", re.compile(r"[\u3040-\u30ff]")),
    ("han", re.compile(r"[\u4e00-\u9fff]")),
)


def language(text: str) -> str:
    """A guess at the language, by script or by small words; empty where it cannot be told."""
    for name, pattern in _SCRIPTS:
        if pattern.search(text):
            return name
    said = set(re.findall(r"[^\W\d_]+", text.lower()))
    scores = sorted(((len(said & marks), name) for name, marks in MARKS.items()), reverse=True)
    return scores[0][1] if scores[0][0] >= 2 and scores[0][0] > scores[1][0] else ""
