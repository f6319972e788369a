"""What is wrong with a configuration: where, what, and what was probably meant."""

import re
from collections.abc import Iterable
from difflib import get_close_matches

import msgspec

_SECRET_FIELD = re.compile(
    r"(?i)(?:key|token|secret|passw(?:or)?d|pepper|bearer|authorization|cookie)[\"']?\s*:\s*"
    r"(?!(?:env:|file:|store:|true\b|false\b|null\b|\{|\[|$))\S"
)
_SECRET_SHAPE = re.compile(r"://[^/\s]*@|\b(?:tg|sk|pk|gh[pousr]|xox[a-z])[-_][A-Za-z0-9_-]{8,}")


class Position(msgspec.Struct, frozen=True, gc=False):
    """A place in a file; line and column count from 1. Line 0: no file at all, but a variable or a directory."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file


class ConfigFault(msgspec.Struct, frozen=True, gc=False):
    """One thing wrong with the configuration; prints as `file:line:column message`."""

    position: Position
    message: str
    source: str = ""
    """The line it stands on; empty when it might show a secret."""

    def __str__(self) -> str:
        return f"{self.position} {self.message}"

    def excerpt(self) -> str:
        """The message, the line and a caret under the place, for terminals."""
        if not self.source:
            return str(self)
        before = self.source[: self.position.column - 1]
        margin = "".join("\t" if char == "\t" else " " for char in before)
        return f"{self}\n    {self.source}\n    {margin}^"


class ConfigError(Exception):
    """A configuration that is refused as a whole, with everything that is wrong with it."""

    def __init__(self, faults: Iterable[ConfigFault]) -> None:
        self.faults = tuple(
            sorted(faults, key=lambda one: (one.position.file, one.position.line, one.position.column, one.message))
        )
        super().__init__(str(self))

    def __str__(self) -> str:
        return "\n".join(str(fault) for fault in self.faults)

    def excerpts(self) -> str:
        """All faults with their lines and carets."""
        return "\n".join(fault.excerpt() for fault in self.faults)


class Findings:
    """Collects faults and warnings over all files, with the lines they stand on."""

    def __init__(self) -> None:
        self.faults: list[ConfigFault] = []
        self.warnings: list[ConfigFault] = []
        self._lines: dict[str, list[str]] = {}

    def opened(self, file: str, text: str) -> None:
        """Remember the lines of a file for excerpts."""
        self._lines[file] = text.splitlines()

    def fault(self, place: Position, message: str, *, secret: bool = False) -> None:
        """Something that refuses the configuration; `secret` leaves the line out."""
        self.faults.append(ConfigFault(place, message, "" if secret else self._line(place)))

    def warn(self, place: Position, message: str) -> None:
        """Something that works, but probably not as meant."""
        self.warnings.append(ConfigFault(place, message, self._line(place)))

    def fork(self) -> "Findings":
        """Empty ones over the same files: for a reading that may be thrown away."""
        made = Findings()
        made._lines = self._lines
        return made

    def take(self, other: "Findings") -> None:
        """Add what another reading found."""
        self.faults += other.faults
        self.warnings += other.warnings

    def raise_faults(self) -> None:
        """Raise ConfigError when there is any fault."""
        if self.faults:
            raise ConfigError(self.faults)

    def _line(self, place: Position) -> str:
        lines = self._lines.get(place.file, ())
        line = lines[place.line - 1][:200] if 0 < place.line <= len(lines) else ""
        return "" if _SECRET_FIELD.search(line) or _SECRET_SHAPE.search(line) else line


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """` (did you mean 'x'?)` for the nearest of the known words, else nothing."""
    words = sorted(known)
    near = get_close_matches(word, words, n=1, cutoff=0.6)
    if not near:
        folded = {one.lower().replace("-", "_"): one for one in words}
        same = folded.get(word.lower().replace("-", "_"))
        near = [same] if same is not None else []
    return f" (did you mean '{near[0]}'?)" if near else ""
