"""Which model a client's name means: one of that very name, one of its other names, or a pattern that it fits."""

from collections.abc import Iterator, Mapping, Sequence

from triplegate.gates.llm.model import Model
from triplegate.gates.llm.stars import Pattern


class Names(Mapping[str, Model]):
    """Models by what clients may call them; a mapping of those of one name, which answers to other names, too."""

    __slots__ = ("_aliases", "_every", "_models", "_patterns")

    def __init__(
        self, models: Mapping[str, Model], aliases: Mapping[str, str], patterns: Sequence[tuple[Pattern, Model]]
    ) -> None:
        self._models, self._aliases = models, aliases
        self._every = (*models.values(), *[model for _, model in patterns])
        self._patterns = sorted(patterns, key=lambda one: -one[0].strict)

    def __getitem__(self, name: str) -> Model:
        found = self._models.get(self._aliases.get(name, name))
        if found is not None:
            return found
        for pattern, model in self._patterns:  # those of one name go before
            if pattern.star(name) is not None:
                return model
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._models)

    def __len__(self) -> int:
        return len(self._models)

    def values(self) -> "Sequence[Model]":  # type: ignore[override]  # a view would ask for each by its name
        """Every model, patterns last."""
        return self._every
