"""docker-compose.yml as read, and the environment it gives a gateway: what `triplegate serve` is started with there."""

from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
SECRETS = "/run/secrets"
GATEWAYS = ("gateway-1", "gateway-2")


def compose() -> dict[str, Any]:
    """The whole file, merges done."""
    return yaml(ROOT / "docker-compose.yml")


def yaml(path: Path) -> dict[str, Any]:
    """One YAML file as plain values."""
    loaded: dict[str, Any] = YAML(typ="safe", pure=True).load(path.read_text())
    return loaded


def gateway_environment(service: str = "gateway-1", secrets: Path | None = None) -> dict[str, str]:
    """Exactly what compose sets for one gateway; `secrets` is put in the place of /run/secrets."""
    found: dict[str, str] = compose()["services"][service]["environment"]
    if secrets is None:
        return found
    return {name: value.replace(SECRETS, str(secrets)) for name, value in found.items()}
