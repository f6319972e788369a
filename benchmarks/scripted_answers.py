"""Answers of a scripted provider: one for each class of questions, in varied words, now and then another class's."""

import hashlib
import random

_NOUNS = """
account invoice parcel charger garden engine recipe library ticket passport window printer battery keyboard
harvest bridge curtain ladder saddle compass anchor lantern mirror blanket bottle carpet drawer feather gravel hammer
island jacket kettle lemon marble needle orchid pillow quarry ribbon socket thermostat umbrella valve wallet yogurt
zipper antenna bakery candle dentist elevator fountain glacier helmet insurance jigsaw kennel locker mortgage notebook
oven pension quilt radiator subscription trailer upload vaccine warranty
"""
_VERBS = """
renew cancel order inspect replace calibrate register transfer measure unlock rinse archive assemble attach
balance charge deliver export filter grease heat install label mount oil paint reset seal tighten update verify wrap
"""
NOUNS, VERBS = _NOUNS.split(), _VERBS.split()
PLACES = [
    *("settings page", "service desk", "side panel", "main menu", "back office", "front counter", "help centre"),
    *("control room", "mobile app", "loading bay", "cellar", "workshop"),
]
OPENINGS = ["Sure.", "Of course.", "Happy to help.", "Thanks for asking.", "Here is how it works.", "Certainly!", ""]
CLOSINGS = [
    *("Let me know if anything is unclear.", "Do ask if you need more.", "I hope this helps.", "Have a nice day.", "")
]
FIRST = [
    "First, {v0} the {n0} in the {p0}.",
    "Begin by going to the {p0}, where you {v0} the {n0}.",
    "You {v0} the {n0} first; this is done in the {p0}.",
]
THEN = [
    "Then {v1} the {n1} and {v2} the {n2}.",
    "After that, {v1} the {n1}; finally {v2} the {n2}.",
    "Next you {v1} the {n1}, and then you {v2} the {n2}.",
]
LAST = [
    "The {n3} is ready within {days} days at the {p1}.",
    "Within {days} days the {n3} can be had at the {p1}.",
    "It takes up to {days} days until the {n3} is at the {p1}.",
]


class Answers:
    """What the provider says, and which class each of its answers was of."""

    def __init__(self, classes: list[str], noise: float = 0.03, seed: int = 11) -> None:
        self._classes, self._noise, self._random = classes, noise, random.Random(seed)
        self.of: dict[str, str] = {}
        """Text → class."""

    def pick(self, wanted: str) -> str:
        """The class that is really answered: `wanted`, but for the noise."""
        return wanted if self._random.random() >= self._noise else self._random.choice(self._classes)

    def say(self, wanted: str) -> str:
        """An answer in fresh words."""
        kind = self.pick(wanted)
        facts, choice = _facts(kind), self._random.choice
        parts = (choice(OPENINGS), *[choice(form).format(**facts) for form in (FIRST, THEN, LAST)], choice(CLOSINGS))
        text = " ".join(part for part in parts if part)
        self.of[text] = kind
        return text


def _facts(kind: str) -> dict[str, object]:
    """What the answer to a class holds: always the same, and unlike any other's."""
    chosen = random.Random(int(hashlib.sha256(kind.encode()).hexdigest(), 16))
    facts: dict[str, object] = {f"v{at}": word for at, word in enumerate(chosen.sample(VERBS, 3))}
    facts |= {f"n{at}": word for at, word in enumerate(chosen.sample(NOUNS, 4))}
    facts |= {f"p{at}": word for at, word in enumerate(chosen.sample(PLACES, 2))}
    return facts | {"days": chosen.randint(2, 60)}
