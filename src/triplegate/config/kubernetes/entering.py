"""Manifests entered among native documents: tried together, and what does not fit left out, object by object."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from triplegate.config.chains import Chains
from triplegate.config.faults import Findings, Position
from triplegate.config.kubernetes.compile import Compiler, Made, warnings_of
from triplegate.config.kubernetes.conditions import Outcome
from triplegate.config.kubernetes.gateways import places_of
from triplegate.config.kubernetes.inventory import read_manifests
from triplegate.config.kubernetes.terms import Native
from triplegate.config.merge import Merged
from triplegate.config.reader import Node, copied, planted
from triplegate.config.references import teams_of
from triplegate.core.policy import Policy, Registry, Stage

MAX_TRIALS = 64
"""Most readings to find out which objects do not fit; when they are used up, the rest is left out."""

T = TypeVar("T")


class Manifests:
    """All manifests of a configuration."""

    def __init__(
        self,
        merged: Merged,
        registry: Registry,
        named: Mapping[str, Node],
        listeners: Mapping[str, Any],
        findings: Findings,
    ) -> None:
        """`named`: chains of policies; `listeners`: ours for clients, by name."""
        self._root, self._registry, self._named, self._findings = merged.documents, registry, named, findings
        self._chains: dict[str, Sequence[Policy] | str] = {}
        native = Native(self._identified(), teams_of(self._root)[0], self._chain_of)
        inventory = read_manifests(merged.manifests, findings)
        taken = {kind: _names(self._root, kind) for kind in ("routes", "services")}
        self._compiler = Compiler(inventory, places_of(listeners), native, taken, findings)
        self._unused = inventory.unused

    def settle(self, attempt: Callable[[Node, Findings], T]) -> tuple[T, Outcome]:
        """What `attempt` makes of the native documents with all manifests that fit; native faults stay faults."""
        trials = _Trials(self._entered, attempt, self._findings)
        found, noted = trials.run(trials.fitting([one for one in self._compiler.made if one.routes]))
        self._findings.take(noted)
        statuses = tuple(self._compiler.statuses())
        for place, text in warnings_of(statuses):
            self._findings.warn(place, text)
        return found, Outcome(statuses, tuple(self._unused), self._compiler.certificates())

    def _entered(self, made: Iterable[Made]) -> Node:
        """The native documents with what these objects add."""
        root = Node({kind: copied(node) for kind, node in self._root.value.items()}, self._root.place)
        for name, (section, place) in self._compiler.sections().items():
            _enter(root, "sections", name, section, place)
        for one in made:
            for name, document in one.routes.items():
                _enter(root, "routes", name, document, one.place)
            for name, (service, place) in one.services.items():
                _enter(root, "services", name, service, place)
        return root

    def _identified(self) -> bool:
        gateway = self._root.child("gateway")
        written = gateway.child("policies") if gateway is not None else None
        if written is None:
            return False
        scratch = self._findings.fork()
        found = Chains(self._registry, self._named, scratch).place(written, "gateway")
        # a broken chain refuses the configuration anyway: nothing is to be concluded from what it lacks
        return bool(scratch.faults) or any(policy.stage == Stage.IDENTIFY for policy in found)

    def _chain_of(self, name: str) -> Sequence[Policy] | str:
        if name not in self._chains:
            self._chains[name] = self._read_chain(name)
        return self._chains[name]

    def _read_chain(self, name: str) -> Sequence[Policy] | str:
        scratch, nowhere = self._findings.fork(), Position("", 0, 0)
        found = Chains(self._registry, self._named, scratch).place(Node([Node(name, nowhere)], nowhere), "chain")
        if scratch.faults:
            return scratch.faults[0].message
        strange = [policy.use for policy in found if policy.strange_on("api")]
        return f"chain '{name}' holds {', '.join(strange)}, which makes no sense on api" if strange else found


class _Trials:
    """Finds the objects that fit; most often all do, and one reading shows it."""

    def __init__(
        self,
        entered: Callable[[Iterable[Made]], Node],
        attempt: Callable[[Node, Findings], T],
        findings: Findings,
    ) -> None:
        self._entered, self._attempt, self._findings = entered, attempt, findings
        self._last: tuple[list[Made], Any, Findings] | None = None
        self._count = 0

    def run(self, made: list[Made]) -> tuple[Any, Findings]:
        """The reading with these objects, and what it noted."""
        if self._last is None or self._last[0] != made:
            noted = self._findings.fork()
            self._count += 1
            self._last = (made, self._attempt(self._entered(made), noted), noted)
        return self._last[1], self._last[2]

    def fitting(self, made: list[Made]) -> list[Made]:
        """Those objects with which the documents have no fault; none when the native ones have one themselves."""
        if not self.run(made)[1].faults:
            return made
        if self.run([])[1].faults:
            return []
        return self._select([], made)

    def _select(self, good: list[Made], made: list[Made]) -> list[Made]:
        faults = self.run([*good, *made])[1].faults if self._count < MAX_TRIALS else None
        if faults == []:
            return [*good, *made]
        if faults is None or len(made) == 1:
            for one in made:
                one.refuse("UnsupportedValue", faults[0].message if faults else "not looked at: too many do not fit")
            return good
        half = len(made) // 2
        return self._select(self._select(good, made[:half]), made[half:])


def _enter(root: Node, kind: str, name: str, document: Mapping[str, Any], place: Position) -> None:
    if kind not in root.value:
        root.value[kind] = Node({}, place)
    entries = root.value[kind].value
    if isinstance(entries, dict):
        entries.setdefault(name, planted(dict(document), place))


def _names(root: Node, kind: str) -> Sequence[str]:
    node = root.child(kind)
    return list(node.value) if node is not None and isinstance(node.value, dict) else []
