"""From models and providers as written to the llm gate of one snapshot."""

from collections.abc import Callable, Iterable, Iterator

from triplegate.config.documents import Documents
from triplegate.config.documents_llm import DeploymentDocument, ModelDocument
from triplegate.config.people import anonymous_of
from triplegate.core.catalog import Route, Target
from triplegate.core.chains import Chains, of_targets
from triplegate.core.exchange import Compiled
from triplegate.core.ports import House, Kit
from triplegate.gates.llm.conditions import When
from triplegate.gates.llm.deployment import Deployment
from triplegate.gates.llm.gate import LlmGate, Surface
from triplegate.gates.llm.model import Model, tiers_of
from triplegate.gates.llm.paths import stored
from triplegate.gates.llm.paths.audio import SPEECH, TRANSCRIPTIONS, TRANSLATIONS
from triplegate.gates.llm.paths.chat import CHAT
from triplegate.gates.llm.paths.embeddings import EMBEDDINGS
from triplegate.gates.llm.paths.images import EDITS, GENERATIONS, VARIATIONS
from triplegate.gates.llm.paths.moderations import MODERATIONS
from triplegate.gates.llm.paths.rerank import RERANK
from triplegate.gates.llm.pricing import price_of
from triplegate.gates.llm.strategy import (
    ByCost,
    ByQuota,
    ByWeight,
    InOrder,
    OfTwo,
    Place,
    Sticky,
    Strategy,
    active,
    key_of,
    latency,
)
from triplegate.upstreams.balance import Balance
from triplegate.wire.seals import Seals

_ENDPOINTS = (
    CHAT,
    EMBEDDINGS,
    MODERATIONS,
    GENERATIONS,
    EDITS,
    VARIATIONS,
    SPEECH,
    TRANSCRIPTIONS,
    TRANSLATIONS,
    RERANK,
)


def compile_llm(documents: Documents, kit: Kit, house: House, snapshot: str, chains: Chains) -> Compiled:
    """The gate with its models, their deployments' pools and its outer chain."""
    written = documents.llm
    anonymous = anonymous_of(kit.directory, written.owner) if written.identity == "none" else None
    route = Route("llm", "llm", written.owner, anonymous=anonymous, origin=documents.origin("llm"))
    models = {name: _model(name, document, documents, kit) for name, document in documents.models.items()}
    endpoints = {written.base_path + each.path.decode("ascii"): each for each in _ENDPOINTS}
    surface = Surface(
        written.base_path,
        written.host,
        route,
        endpoints,
        Seals(kit.pepper),
        int(kit.clock.wall()),
        written.files or "",
        written.origin_gone,
    )
    gate = LlmGate(models, surface, chains, house, snapshot)
    chains.prepare(route)
    for model in models.values():
        chains.prepare(model.route)
    listing = f"{written.base_path}/models"
    kept = [f"{written.base_path}/{kind}" for kind in stored.KINDS]
    paths = (*endpoints, listing, *[each for each in kept if not each.endswith("responses")])
    return Compiled(gate, paths, (f"{listing}/", *[f"{each}/" for each in kept]))


def _model(name: str, document: ModelDocument, documents: Documents, kit: Kit) -> Model:
    places = tuple(
        _place(label, written, document.strategy, documents, kit) for label, written in labelled(document.deployments)
    )
    for place in places:
        missing = place.target.wiring.missing
        if missing:
            kit.faults.append(f"{documents.origin('models', name)} {name}, deployment {place.name}: {missing}")
    targets = [(place.target, place.weight) for place in places]
    route = Route(
        name,
        "llm",
        document.owner,
        document.policies,
        tuple(targets),
        targets[0][0].price,
        anonymous=None,
        origin=documents.origin("models", name),
    )
    return Model(
        route,
        places,
        tiers_of(places),
        strategy_of(name, document, places, kit),
        tuple(target.wiring for target, _ in targets),
        document.fallback,
        None if document.teams is None else frozenset(document.teams),
        tuple(
            policy
            for policy in route.policies + of_targets(route)
            if policy.security and policy.form == "decide" and policy.mode == "enforce"
        ),
        "finish" if document.on_gone == "drain" else "cancel",
        document.fallback_on.context_window,
        document.fallback_on.content_policy,
    )


def labelled(deployments: Iterable[DeploymentDocument]) -> Iterator[tuple[str, DeploymentDocument]]:
    """Each deployment with one credential, under a name of its own."""
    taken: set[str] = set()
    number = 0
    for written in deployments:
        for one in each_key(written):
            number += 1
            label = one.name or f"{one.provider}/{one.model}"
            if label in taken:
                label = f"{label}#{number}"
            taken.add(label)
            yield label, one


def each_key(written: DeploymentDocument) -> Iterable[DeploymentDocument]:
    """The deployment once for each of its keys, with that one's share."""
    if not written.keys:
        return (written,)
    return [
        written.model_copy(update={"key": one.key, "keys": (), "weight": written.weight * one.weight})
        for one in written.keys
    ]


def strategy_of(name: str, document: ModelDocument, places: tuple[Place, ...], kit: Kit) -> Strategy:
    """The model's strategy; its standings outlive reloads."""
    balance = kit.state(Balance, f"model:{name}", Balance)
    balance.keep(place.name for place in places)
    weighted = ByWeight(balance)
    made: dict[str, Callable[[], Strategy]] = {
        "weighted": lambda: weighted,
        "priority": InOrder,
        "least_busy": lambda: OfTwo(active, "under way"),
        "latency": lambda: OfTwo(latency, "s"),
        "cost": lambda: ByCost(weighted),
        "quota": lambda: ByQuota(weighted),
        "sticky": lambda: Sticky(places, key_of(document.sticky), weighted),
    }
    return made[document.strategy]()


def _place(label: str, written: DeploymentDocument, strategy: str, documents: Documents, kit: Kit) -> Place:
    when = When(written.when) if written.when is not None else None
    return Place(_target(label, written, strategy, documents, kit), written.weight, written.tier, when)


def _target(label: str, written: DeploymentDocument, strategy: str, documents: Documents, kit: Kit) -> Target:
    provider = documents.providers[written.provider]
    price, blocked = price_of(written, provider, documents.llm.unknown_price)
    policies = provider.policies + written.policies
    group = written.group or f"{written.provider}:{written.key or provider.key or ''}"
    deployment = Deployment(written, provider, kit, written.group or f"{group}:{written.model}", strategy)
    if blocked:
        deployment.block(blocked, "price_unknown")
    return Target(
        "deployment",
        label,
        policies,
        price,
        group,
        tuple(policy for policy in policies if policy.form == "claims"),
        deployment,
    )
