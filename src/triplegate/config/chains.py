"""Lists of policies as written turned into policies that know their place; named chains are expanded."""

from collections.abc import Iterator, Mapping

from pydantic import ValidationError

from triplegate.config.documents import Path
from triplegate.config.faults import Findings, did_you_mean
from triplegate.config.reader import Node
from triplegate.config.validate import note_errors
from triplegate.core.policy import Policy, Registry

MAX_POLICIES = 128
"""Most policies in one place, chains expanded."""

_MAX_STEPS = 4_096  # chains of empty chains find nothing, and would take for ever to do so

PLACES: tuple[tuple[str, ...], ...] = (
    ("gateway", "policies"),
    ("llm", "policies"),
    ("mcp", "policies"),
    ("services", "*", "policies"),
    ("routes", "*", "policies"),
    ("routes", "*", "services", "#", "policies"),
    ("models", "*", "policies"),
    ("models", "*", "deployments", "#", "policies"),
    ("providers", "*", "policies"),
    ("servers", "*", "policies"),
    ("virtual_servers", "*", "policies"),
    ("orgs", "*", "teams", "*", "policies"),
    ("plans", "*", "policies"),
    ("policies", "*"),
)
"""Where policies may stand; * is any name, # any item of a list."""

_SINGULAR = {
    "services": "service",
    "routes": "route",
    "models": "model",
    "providers": "provider",
    "servers": "server",
    "virtual_servers": "virtual_server",
    "orgs": "team",
    "plans": "plan",
    "policies": "chain",
}


def walk(node: Node, pattern: tuple[str, ...], path: Path = ()) -> Iterator[tuple[Path, Node]]:
    """(path, node) of all nodes that `pattern` fits; * is any key, # any index."""
    if not pattern:
        yield path, node
        return
    head, rest = pattern[0], pattern[1:]
    if head == "*" and isinstance(node.value, dict):
        for name, child in node.value.items():
            yield from walk(child, rest, (*path, name))
    elif head == "#" and isinstance(node.value, list):
        for index, child in enumerate(node.value):
            yield from walk(child, rest, (*path, index))
    elif isinstance(node.value, dict) and head in node.value:
        yield from walk(node.value[head], rest, (*path, head))


class Chains:
    """Reads the policies of one configuration."""

    def __init__(self, registry: Registry, named: Mapping[str, Node], findings: Findings) -> None:
        self.registry, self.named, self.findings = registry, named, findings
        self._read: dict[int, Policy | None] = {}  # by node: a chain used in ten places complains once
        self._told: set[int] = set()
        self._steps = 0
        self._whole = True
        self.broken: set[Path] = set()
        """Places of which something could not be read: nothing is to be concluded from what they lack."""

    def settle(self, root: Node) -> dict[Path, tuple[Policy, ...]]:
        """The policies of every place in the tree that has a list of them."""
        found: dict[Path, tuple[Policy, ...]] = {}
        for pattern in PLACES:
            for path, node in walk(root, pattern):
                if node.value is not None:
                    self._whole = True
                    found[path] = self.place(node, owner(path, root))
                    if not self._whole:
                        self.broken.add(path)
        return found

    def place(self, node: Node, label: str) -> tuple[Policy, ...]:
        """The policies of one list, placed under `label`."""
        if not isinstance(node.value, list):
            self._refuse(node, "policies: must be a list")
            return ()
        found: list[tuple[Policy, Node]] = []
        self._steps = 0
        self._expand(node, (), found)
        if len(found) > MAX_POLICIES or self._steps > _MAX_STEPS:
            self._refuse(node, f"policies: too many, at most {MAX_POLICIES} with named chains expanded")
            return ()
        counts: dict[str, int] = {}
        placed = []
        for policy, written in found:
            count = counts[policy.use] = counts.get(policy.use, 0) + 1
            suffix = f"#{count}" if count > 1 else ""
            placed.append(policy.placed(f"{label}/{policy.use}{suffix}", str(written.place)))
        return tuple(placed)

    def _expand(self, node: Node, within: tuple[str, ...], found: list[tuple[Policy, Node]]) -> None:
        for item in node.value:
            self._steps += 1
            if len(found) > MAX_POLICIES or self._steps > _MAX_STEPS:
                return
            if isinstance(item.value, str):
                self._expand_named(item, within, found)
            else:
                policy = self._policy(item)
                if policy is not None:
                    found.append((policy, item))

    def _expand_named(self, item: Node, within: tuple[str, ...], found: list[tuple[Policy, Node]]) -> None:
        name = item.value
        chain = self.named.get(name)
        if name in within:
            self._once(item, f"chain '{name}' contains itself: {' → '.join((*within, name))}")
        elif chain is None:
            hint = did_you_mean(name, self.named)
            if name in self.registry.policies:
                hint = f" (a policy of that name exists: write {{use: {name}}})"
            self._once(item, f"unknown chain '{name}'{hint}")
        elif isinstance(chain.value, list):
            self._expand(chain, (*within, name), found)

    def _policy(self, item: Node) -> Policy | None:
        key = id(item)
        if key not in self._read:
            self._read[key] = self._validate(item)
        self._whole = self._whole and self._read[key] is not None
        return self._read[key]

    def _validate(self, item: Node) -> Policy | None:
        use = item.value.get("use") if isinstance(item.value, dict) else None
        if use is None:
            self._once(item, "a policy says which one it is: {use: rate_limit, …}")
            return None
        known = self.registry.policies.get(use.value) if isinstance(use.value, str) else None
        if known is None:
            self._once(use, f"unknown policy '{use.value}'{did_you_mean(str(use.value), self.registry.policies)}")
            return None
        try:
            return known.model_validate(item.plain())
        except ValidationError as error:
            note_errors(error, known, item, self.findings)
            return None

    def _refuse(self, node: Node, message: str) -> None:
        self._whole = False
        self.findings.fault(node.place, message)

    def _once(self, node: Node, message: str) -> None:
        self._whole = False
        if id(node) not in self._told:
            self._told.add(id(node))
            self.findings.fault(node.place, message)


def owner(path: Path, root: Node) -> str:
    """What the labels of a place begin with: gateway, route:orders, deployment:smart/openai/gpt-4o."""
    kind = str(path[0])
    if kind not in _SINGULAR:
        return kind
    if kind == "orgs":
        return f"team:{path[1]}/{path[3]}"
    if kind == "routes" and len(path) > 3:
        return f"backend:{path[1]}/{int(path[3]) + 1}"
    if kind == "models" and len(path) > 3:
        return f"deployment:{path[1]}/{_deployment(root, path)}"
    return f"{_SINGULAR[kind]}:{path[1]}"


def _deployment(root: Node, path: Path) -> str:
    siblings = [_deployment_name(one) for one in root.value["models"].value[path[1]].value["deployments"].value]
    index = int(path[3])
    name = siblings[index]
    count = siblings[: index + 1].count(name)
    return name if count == 1 else f"{name}#{count}"


def _deployment_name(node: Node) -> str:
    entry = node.value if isinstance(node.value, dict) else {}
    given, provider, model = (entry.get(part) for part in ("name", "provider", "model"))
    if given is not None and given.value is not None:
        return str(given.value)
    return f"{provider.value if provider else '?'}/{model.value if model else '?'}"
