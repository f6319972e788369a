"""Secrets by reference: read from the environment or a file, and never printed."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn

from pydantic import BaseModel, GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from triplegate.config.documents import Documents
from triplegate.config.documents import Path as DocumentPath
from triplegate.config.types import is_reference

MAX_SECRET = 64 << 10
"""Largest secret file in bytes."""


class Secret:
    """A value that shows itself only to who asks by `reveal()`; everywhere else it is `***`."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The value itself."""
        return self._value

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format("***", spec)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._value == other._value

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not pickled")

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            cls._read,
            serialization=core_schema.plain_serializer_function_ser_schema(lambda _: "***"),
            json_schema_input_schema=core_schema.str_schema(),
        )

    @classmethod
    def _read(cls, value: object) -> "Secret":
        if isinstance(value, Secret):
            return value
        if isinstance(value, str):
            return cls(value)
        raise ValueError("must be text")


class FileSecrets:
    """The Secrets port over environment and files; a file is read anew each time, so that it can be rotated."""

    __slots__ = ("_base", "_environment")

    def __init__(self, base: Path, environment: Mapping[str, str]) -> None:
        self._base, self._environment = base, environment

    def __repr__(self) -> str:
        return f"FileSecrets({str(self._base)!r})"

    def read(self, reference: str) -> str | None:
        """The value; None when it is not there, is too large, or has a kind that needs a store."""
        kind, _, name = reference.partition(":")
        if kind == "env":
            return self._environment.get(name)
        if kind == "file":
            return self._read_file(name)
        return None

    def _read_file(self, name: str) -> str | None:
        try:
            with (self._base / name).open("rb") as file:
                content = file.read(MAX_SECRET + 1)
            text = content.decode()
        except (OSError, UnicodeDecodeError, ValueError):
            return None
        if len(content) > MAX_SECRET:
            return None
        return text.removesuffix("\n").removesuffix("\r")  # an editor's last newline is not part of the secret


def references(documents: Documents) -> Iterator[tuple[DocumentPath, str]]:
    """Every secret reference in the documents, with the path of the object that needs it."""
    for kind in ("services", "routes", "providers", "models", "servers", "virtual_servers", "plans", "orgs"):
        for name, document in getattr(documents, kind).items():
            yield from _within((kind, name), document)
    for kind in ("gateway", "llm", "mcp"):
        yield from _within((kind, "policies"), getattr(documents, kind).policies)


def missing_secrets(documents: Documents, secrets: FileSecrets) -> list[tuple[DocumentPath, str]]:
    """References that lead nowhere at the moment; `store:` ones are judged by who has a store."""
    return [
        (path, reference)
        for path, reference in references(documents)
        if not reference.startswith("store:") and secrets.read(reference) is None
    ]


def _within(path: DocumentPath, value: Any) -> Iterator[tuple[DocumentPath, str]]:
    if isinstance(value, str):
        if is_reference(value):
            yield path, value
        return
    for name, one in _parts(value):
        yield from _within((*path, name), one)


def _parts(value: Any) -> Iterable[tuple[str | int, Any]]:
    if isinstance(value, BaseModel):
        return [(field, getattr(value, field)) for field in type(value).model_fields]
    if isinstance(value, Mapping):
        return [(str(name), one) for name, one in value.items()]
    return enumerate(value) if isinstance(value, (tuple, frozenset)) else ()
