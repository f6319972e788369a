"""The policies and providers that come with triplegate: found in a wheel and in a checkout."""

from pathlib import Path
from typing import Literal


def shipped(kind: Literal["policies", "providers"]) -> Path:
    """The directory of the shipped YAML of one kind. Raises FileNotFoundError when the installation is broken."""
    package = Path(__file__).resolve().parents[1]
    # a wheel carries them inside the package; an editable install leaves them beside src/
    for directory in (package / "_shipped" / kind, package.parents[1] / kind):
        if (directory / ".schema.json").is_file():
            return directory
    raise FileNotFoundError(f"the shipped {kind} are missing: install triplegate again")


def shipped_files(kind: Literal["policies", "providers"]) -> dict[str, Path]:
    """Shipped YAML files of one kind by their stem."""
    return {path.stem: path for path in sorted(shipped(kind).glob("*.yaml"))}
