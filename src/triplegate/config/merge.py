"""Files of a configuration merged by kind into one tree; a name may be given only once."""

import os
from collections.abc import Iterator
from pathlib import Path

from triplegate.config.chains import walk
from triplegate.config.documents import Documents
from triplegate.config.faults import Findings, Position, did_you_mean
from triplegate.config.reader import MAX_BYTES, Node, read

SETTINGS_FILE = "triplegate.yaml"
MAX_FILES = 2_000
SINGLE = frozenset({"alerts", "chargeback", "gateway", "llm", "mcp"})
"""Kinds of which there is one object, not many by name."""
KINDS = frozenset(Documents.model_fields) - {"sections"}
_INTERNAL = (
    ("*", "match", "section"),
    ("*", "match", "#", "section"),
    ("*", "services", "#", "broken"),
    ("*", "services", "#", "empty"),
    ("*", "sorts"),
)
"""Fields of routes that only programs set."""


class Merged:
    """One tree of all documents, and one of the settings."""

    def __init__(self) -> None:
        nowhere = Position(SETTINGS_FILE, 1, 1)
        self.documents = Node({}, nowhere)
        self.settings = Node({}, nowhere)
        self.manifests: list[Node] = []
        """Kubernetes objects, as written."""
        self.files: list[Path] = []
        self.unread = False
        """A file could not be read: what it holds is not known to be missing."""


def find_files(source: Path) -> Iterator[tuple[Path, str]]:
    """YAML files of a configuration with the names that messages give them.

    A directory is read whole but for hidden folders and `tests/`; a file stands alone.
    """
    if source.is_file():
        yield source, source.name
        return
    for folder, below, names in os.walk(source):
        below[:] = sorted(name for name in below if not name.startswith(".") and name != "tests")
        for name in sorted(names):
            if name.endswith((".yaml", ".yml")) and not name.startswith("."):
                path = Path(folder) / name
                yield path, path.relative_to(source).as_posix()


def read_file(path: Path, shown: str, findings: Findings) -> list[Node]:
    """The documents of one file; what cannot be read is noted."""
    start = Position(shown, 1, 1)
    try:
        if path.stat().st_size > MAX_BYTES:
            findings.fault(start, f"larger than {MAX_BYTES >> 20} MiB")
            return []
        text = path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        findings.fault(start, f"not UTF-8 (byte {error.start})")
        return []
    except OSError as error:
        findings.fault(start, f"cannot be read: {error.strerror}")
        return []
    return [node for node in read(text, shown, findings) if node.value is not None]


def merge_files(source: Path, findings: Findings, setting_names: frozenset[str]) -> Merged:
    """All documents below `source`, merged; settings keys only from its `triplegate.yaml`."""
    merged = Merged()
    for count, (path, shown) in enumerate(find_files(source)):
        if count >= MAX_FILES:
            findings.fault(Position(shown, 1, 1), f"more than {MAX_FILES} files: is this a configuration directory?")
            break
        merged.files.append(path)
        own = shown == SETTINGS_FILE or source.is_file()
        before = len(findings.faults)
        roots = read_file(path, shown, findings)
        merged.unread = merged.unread or (not roots and len(findings.faults) > before)
        for node in roots:
            _enter_file(merged, node, findings, setting_names, own=own)
    if not merged.files:
        findings.fault(Position(str(source), 0, 0), "no configuration here: expected triplegate.yaml or other *.yaml")
    return merged


def _enter_file(merged: Merged, root: Node, findings: Findings, setting_names: frozenset[str], *, own: bool) -> None:
    if not isinstance(root.value, dict):
        findings.fault(root.place, "a file holds kinds by name: services:, routes:, models:, …")
        return
    if "apiVersion" in root.value and "kind" in root.value:
        merged.manifests.append(root)
        return
    for kind, node in root.value.items():
        if kind in KINDS:
            if node.value is not None:  # `routes:` with nothing below it
                _refuse_internal(kind, node, findings)
                enter_kind(merged.documents, kind, node, findings)
        elif kind in setting_names and own:
            if kind in merged.settings.value:
                findings.fault(node.key, f"'{kind}' is already given at {merged.settings.value[kind].key}")
            else:
                merged.settings.value[kind] = node
        elif kind in setting_names:
            findings.fault(node.key, f"'{kind}' is a setting: it belongs into {SETTINGS_FILE}")
        else:
            findings.fault(node.key, f"unknown field '{kind}'{did_you_mean(kind, KINDS | setting_names)}")


def _refuse_internal(kind: str, node: Node, findings: Findings) -> None:
    for pattern in _INTERNAL if kind == "routes" else ():
        for path, found in walk(node, pattern):
            findings.fault(found.key, f"unknown field '{path[-1]}'")


def enter_kind(documents: Node, kind: str, node: Node, findings: Findings) -> None:
    """Add one file's objects of a kind to the tree."""
    known = documents.value.get(kind)
    if known is None and (kind in SINGLE or not isinstance(node.value, dict)):
        documents.value[kind] = node
        return
    if known is None:
        known = documents.value[kind] = Node({}, node.place, node.key)
    elif kind in SINGLE:
        findings.fault(node.key, f"'{kind}' is already given at {known.key}")
        return
    if not isinstance(node.value, dict) or not isinstance(known.value, dict):
        findings.fault(node.place, f"{kind}: must be an object (name: value)")
        return
    for name, entry in node.value.items():
        if name in known.value:
            findings.fault(entry.key, f"'{name}' is already in {kind}, given at {known.value[name].key}")
        else:
            known.value[name] = entry


def overlay(below: Node, above: Node) -> Node:
    """`above` laid over `below`: objects are merged field by field, everything else is replaced."""
    if not isinstance(below.value, dict) or not isinstance(above.value, dict):
        return above
    entries = dict(below.value)
    for name, node in above.value.items():
        entries[name] = overlay(entries[name], node) if name in entries else node
    return Node(entries, above.place, above.key)
