"""A directory or a file of YAML to checked documents: everything that is wrong is said at once, with its place."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import msgspec
from pydantic import ValidationError

from triplegate.config.chains import Chains, walk
from triplegate.config.documents import Documents
from triplegate.config.documents import Path as DocumentPath
from triplegate.config.faults import ConfigError, ConfigFault, Findings, Position
from triplegate.config.kubernetes.conditions import Outcome
from triplegate.config.merge import SINGLE, Merged, enter_kind, merge_files, overlay, read_file
from triplegate.config.reader import Node, copied
from triplegate.config.references import REFERENCES, check_policy_names, check_references
from triplegate.config.routing_rules import check_listeners
from triplegate.config.rules import check_rules, written
from triplegate.config.settings import SETTING_NAMES, Settings, settings_of
from triplegate.config.shipped import shipped_files
from triplegate.config.validate import descend, note_errors
from triplegate.core.policy import Policy, Registry

__all__ = ["ConfigError", "ConfigFault", "Loaded", "load"]


class Loaded(msgspec.Struct, frozen=True, eq=False):
    """A configuration that may be put in force."""

    documents: Documents
    settings: Settings
    warnings: tuple[ConfigFault, ...]
    hash: str
    """SHA-256 of the normalised documents: file names, order, comments and layout do not count."""
    raw: Mapping[str, Any]
    """The merged documents as written, shipped parts filled in: what is kept as the last good ones."""
    manifests: Outcome = Outcome()
    """What became of Kubernetes objects."""


def load(source: Path | str, registry: Registry, *, environment: Mapping[str, str] | None = None) -> Loaded:
    """Read and check the configuration in a directory or file.

    `environment` overrides the process's own. Raises ConfigError with all faults.
    """
    findings = Findings()
    merged = merge_files(Path(source), findings, SETTING_NAMES)
    settings = settings_of(merged.settings, Path(source), findings, environment)
    outcome = Outcome()
    if merged.manifests and settings is not None:
        documents, raw, outcome = _with_manifests(merged, registry, findings, settings)
    else:
        documents, raw = compile_documents(merged, registry, findings)
    if settings is not None:
        check_listeners(documents, {*settings.listeners.gates, "grpc"}, _finder(merged.documents), findings)
    findings.raise_faults()
    assert settings is not None
    return Loaded(documents, settings, tuple(findings.warnings), documents.digest(), raw, outcome)


def _with_manifests(
    merged: Merged, registry: Registry, findings: Findings, settings: Settings
) -> tuple[Documents, Mapping[str, Any], Outcome]:
    """Documents with what Kubernetes objects add to them; those that do not fit are left out, and say so."""
    from triplegate.config.kubernetes.entering import Manifests

    probe = Node({kind: copied(node) for kind, node in merged.documents.value.items()}, merged.documents.place)
    named, _ = _fill_in(probe, findings.fork())
    manifests = Manifests(merged, registry, named, settings.listeners.gates, findings)

    def attempt(root: Node, noted: Findings) -> tuple[Documents, Mapping[str, Any]]:
        tried = Merged()
        tried.documents, tried.unread = root, merged.unread
        return compile_documents(tried, registry, noted)

    (documents, raw), outcome = manifests.settle(attempt)
    return documents, raw, outcome


def compile_documents(merged: Merged, registry: Registry, findings: Findings) -> tuple[Documents, Mapping[str, Any]]:
    """Documents out of one merged tree, and the tree as plain values; to be thrown away when there are faults."""
    root = merged.documents
    named, ours = _fill_in(root, findings)
    chains = Chains(registry, named, findings)
    placed = chains.settle(root)
    if not merged.unread:
        check_references(root, findings, ours)
        check_policy_names(root, placed, lambda policy, path: written(policy, descend(root, path).place), findings)
    raw = root.plain()
    documents = _validate(root, placed, findings)
    if not merged.unread:
        check_rules(documents, placed, chains.broken, _finder(root), findings)
    return documents.standing(_positions(root)), raw


def _fill_in(root: Node, findings: Findings) -> tuple[Mapping[str, Node], Mapping[str, Collection[str]]]:
    """Put the shipped parts into the tree that documents refer to.

    Returns the named chains, shipped ones included, and the names of what is shipped, by kind.
    """
    shipped = Node({}, root.place)
    for path in shipped_files("policies").values():
        for node in read_file(path, f"shipped/policies/{path.name}", findings):
            for kind, entries in node.value.items():
                enter_kind(shipped, kind, entries, findings)
    for gate in ("llm", "mcp"):
        section = root.value.setdefault(gate, Node({}, root.place))
        chain = _entries(shipped, "policies").get(gate)
        if isinstance(section.value, dict) and "policies" not in section.value and chain is not None:
            section.value["policies"] = Node([Node(gate, section.place)], section.place)
    _fill_providers(root, findings)
    for name in _asked(root, "plan"):
        plan = _entries(shipped, "plans").get(name)
        if plan is not None:
            _entries(root, "plans", make=True).setdefault(name, plan)
    named = {**_entries(shipped, "policies"), **_entries(root, "policies")}
    return named, {"provider": shipped_files("providers").keys(), "plan": _entries(shipped, "plans").keys()}


def _fill_providers(root: Node, findings: Findings) -> None:
    ours = shipped_files("providers")
    written = _entries(root, "providers", make=True)
    for name in sorted((_asked(root, "provider") | written.keys()) & ours.keys()):
        for node in read_file(ours[name], f"shipped/providers/{ours[name].name}", findings):
            for vendor, entry in _entries(node, "providers").items():
                written[vendor] = overlay(entry, written[vendor]) if vendor in written else entry


def _entries(root: Node, kind: str, *, make: bool = False) -> dict[str, Node]:
    node = root.child(kind)
    if node is None and make:
        node = root.value[kind] = Node({}, root.place)
    return node.value if node is not None and isinstance(node.value, dict) else {}


def _asked(root: Node, field: str) -> set[str]:
    """Names of providers or plans that some document refers to."""
    return {
        node.value
        for pattern, kind in REFERENCES
        if kind == field
        for _, node in walk(root, pattern)
        if isinstance(node.value, str)
    }


def _validate(root: Node, placed: Mapping[DocumentPath, tuple[Policy, ...]], findings: Findings) -> Documents:
    """The documents that are right by themselves; each of the others is noted and left out."""
    plain = root.plain()
    for path, policies in placed.items():
        holder: Any = plain
        for part in path[:-1]:
            holder = holder[part]
        holder[path[-1]] = policies
    good: dict[str, Any] = {}
    for kind, entries in plain.items():
        single = kind in SINGLE or not isinstance(entries, dict)
        for piece in [entries] if single else [{name: entry} for name, entry in entries.items()]:
            try:
                found = getattr(Documents.model_validate({kind: piece}), kind)
            except ValidationError as error:
                note_errors(error, Documents, root, findings)
                continue
            if single:
                good[kind] = found
            else:
                good.setdefault(kind, {}).update(found)
    return Documents(**good)


def _finder(root: Node) -> Any:
    def where(path: DocumentPath) -> Position:
        node = descend(root, path)
        return node.key if len(path) <= 2 else node.place

    return where


def _positions(root: Node) -> dict[DocumentPath, Position]:
    found: dict[DocumentPath, Position] = {}
    stack: list[tuple[DocumentPath, Node]] = [((), root)]
    while stack:
        path, node = stack.pop()
        if path and len(path) <= 7:
            found[path] = node.key if isinstance(path[-1], str) else node.place
        if isinstance(node.value, dict):
            stack.extend(((*path, name), child) for name, child in node.value.items())
        elif isinstance(node.value, list):
            stack.extend(((*path, index), child) for index, child in enumerate(node.value))
    return found
