"""The vocabularies of OpenAI's models: out of an installed package, checked, and never out of the network."""

import gzip
import hashlib
from base64 import b64decode
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from types import FunctionType
from typing import TYPE_CHECKING

from triplegate.core.errors import Refusal
from triplegate.core.ports import Kit
from triplegate.gates.llm.beside import Beside

if TYPE_CHECKING:
    from tiktoken import Encoding

PACKAGE = "bpe_openai"
"""Its folder `data` holds the vocabularies as OpenAI published them, compressed."""
_SAME = {"o200k_harmony": "o200k_base"}
"""A vocabulary that differs in its special tokens only."""

Encode = Callable[[str], list[int]]


class Ranks:
    """What is loaded: beside the loop, once for the process, and not before a configuration asks for it."""

    __slots__ = ("_encodes", "_loading", "trouble")

    def __init__(self) -> None:
        self._encodes: dict[str, Encode | None] = {}
        self._loading = False
        self.trouble = ""
        """Why something cannot be counted exactly; empty while all is well."""

    @classmethod
    def kept(cls, kit: Kit) -> "Ranks":
        """The one of this process."""
        return kit.state(cls, "openai", cls)

    def encode_of(self, model: str) -> Encode | None:
        """How texts become tokens for a vendor's model; None as long as, or because, nobody knows."""
        return self._encodes.get(model)

    def warm(self, models: frozenset[str], kit: Kit) -> None:
        """Load what these models need, in the background."""
        lacking = models - self._encodes.keys()
        if not lacking or self._loading:
            return
        if not found():
            self.trouble = f"{PACKAGE} is not installed"
            return
        self._loading = True
        try:
            kit.supervisor.spawn(self._warm(lacking, Beside.kept(kit)), "vocabularies")
        except Refusal:  # there are too many tasks: the next snapshot asks again
            self._loading = False

    async def _warm(self, models: frozenset[str], beside: Beside) -> None:
        try:
            self._encodes |= await beside.run(encodes, models)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with a vocabulary, calls are estimated
            self.trouble = f"{type(error).__name__}: {error}"
        finally:
            self._loading = False


def found() -> bool:
    """Whether the vocabularies are installed."""
    return find_spec(PACKAGE) is not None and find_spec("tiktoken") is not None


def encodes(models: frozenset[str]) -> dict[str, Encode | None]:
    """For each model how its tokens are made; None where OpenAI's library does not know the model.

    Raises OSError, ValueError for a vocabulary that is missing or not the published one.
    """
    from tiktoken.model import encoding_name_for_model

    names: dict[str, str | None] = {}
    for model in models:
        try:
            name = encoding_name_for_model(model.rpartition("/")[2])
        except KeyError:
            name = None
        names[model] = name if name is None else _SAME.get(name, name)
    made = {name: encoding(name) for name in {*names.values()} if name is not None}
    return {model: None if name is None else made[name].encode_ordinary for model, name in names.items()}


def encoding(name: str) -> "Encoding":
    """A vocabulary as tiktoken builds it, with its ranks from the package instead of from the network."""
    import tiktoken
    from tiktoken_ext import openai_public  # type: ignore[import-untyped]

    constructor = openai_public.ENCODING_CONSTRUCTORS[name]
    offline = FunctionType(constructor.__code__, {**vars(openai_public), "load_tiktoken_bpe": _ranks}, name)
    return tiktoken.Encoding(**offline())


def _ranks(address: str, expected_hash: str | None = None) -> dict[bytes, int]:
    """What tiktoken would load from `address`, checked with the hash it expects. Raises OSError, ValueError."""
    spec = find_spec(PACKAGE)
    folders = spec.submodule_search_locations if spec is not None else None
    if not folders:
        raise OSError(f"{PACKAGE} is not installed")
    name = address.rpartition("/")[2]
    text = gzip.decompress((Path(folders[0]) / "data" / f"{name}.gz").read_bytes())
    if expected_hash is None or hashlib.sha256(text).hexdigest() != expected_hash:
        raise ValueError(f"{name} of {PACKAGE} is not the published one")
    return {b64decode(token): int(rank) for token, rank in (line.split() for line in text.splitlines() if line)}
