"""The demo: its configuration is copied once and then belongs to the user; its upstreams start on the stored ports."""

import importlib.resources
import json
import random
import re
import socket
from collections.abc import Iterator, Mapping
from importlib.resources.abc import Traversable
from pathlib import Path, PurePosixPath
from typing import Self

from triplegate.samples.model import start_model
from triplegate.samples.start import Running, start_samples

CONSUMER = ("demo", "ml", "app")
"""Org, team and consumer that the demo's key belongs to."""
SHIPPED = {"orders": 9001, "llm": 9002, "mcp": 9003, "model": 9004}
"""The ports in the shipped files; `write_demo` puts the chosen ones in their place."""
_PORTS = "ports.json"
_FREE_FROM, _FREE_TO = 20_000, 32_000  # below the range the kernel takes for outgoing connections: free again tomorrow


def demo_ports(directory: Path) -> dict[str, int]:
    """The ports of the demo's upstreams: those stored in `directory`, or free ones, not stored yet."""
    stored = directory / _PORTS
    if stored.exists():
        ports = json.loads(stored.read_text())
        return {name: int(ports[name]) for name in SHIPPED}
    return dict(zip(SHIPPED, _free_ports(len(SHIPPED)), strict=True))


def write_demo(directory: Path, ports: Mapping[str, int]) -> None:
    """Copy the demo's configuration with these ports in it, and store them; a file that exists is left as it is."""
    directory.mkdir(parents=True, exist_ok=True)
    _write(directory / _PORTS, json.dumps({name: ports[name] for name in SHIPPED}) + "\n")
    chosen = {str(shipped): str(ports[name]) for name, shipped in SHIPPED.items()}
    address = re.compile(rf"(?<=//127\.0\.0\.1:)({'|'.join(chosen)})\b")
    for path, text in shipped_files():
        _write(directory / path, address.sub(lambda found: chosen[found[0]], text))


def shipped_files() -> Iterator[tuple[PurePosixPath, str]]:
    """Every file of the shipped demo: its path in the demo's folder, and its text."""
    yield from _walk(importlib.resources.files("triplegate.samples") / "demo", PurePosixPath())


def _walk(folder: Traversable, path: PurePosixPath) -> Iterator[tuple[PurePosixPath, str]]:
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir():
            yield from _walk(entry, path / entry.name)
        elif entry.name.endswith(".yaml"):
            yield path / entry.name, entry.read_text(encoding="utf-8")


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        pass


def _free_ports(count: int) -> list[int]:
    found: set[int] = set()
    for port in random.sample(range(_FREE_FROM, _FREE_TO), 1000):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        found.add(port)
        if len(found) == count:
            return sorted(found)
    raise OSError(f"no {count} free ports from {_FREE_FROM} to {_FREE_TO}")


class Upstreams:
    """The running upstreams of the demo. Use it with `with`, or stop it."""

    def __init__(self, samples: Running, model: Running | None, reason: str) -> None:
        self.samples, self.model = samples, model
        self.reason = reason
        """Why the scripted provider stands in for the real model; empty when the model runs."""

    def stop(self) -> None:
        """End them."""
        for running in (self.samples, self.model):
            if running is not None:
                running.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()


def start_upstreams(ports: Mapping[str, int], *, journal: Path | None = None) -> Upstreams:
    """Start samples and model on the demo's ports; StartError when a port is taken.

    Where the model is not installed or does not start, the scripted provider answers on its port, and says how to get
    the real one: the configuration stays the same. Call it from the main thread (see `start_samples`).
    """
    model, reason = start_model(ports["model"])
    samples = {name: ports[name] for name in ("orders", "llm", "mcp")}
    if model is None:
        samples["stand_in"] = ports["model"]
    try:
        return Upstreams(start_samples(samples, journal=journal), model, reason)
    except BaseException:
        if model is not None:
            model.stop()
        raise
