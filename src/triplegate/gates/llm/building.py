"""From models as written to models that route: their deployments, strategies, other names and patterns of names."""

from collections.abc import Callable, Iterable, Iterator, Mapping

from triplegate.config.documents import Documents
from triplegate.config.documents_llm import DeploymentDocument, ModelDocument
from triplegate.config.people import anonymous_of
from triplegate.core.catalog import Route, Target
from triplegate.core.chains import of_targets
from triplegate.core.ports import Kit
from triplegate.gates.llm.canary import Canary
from triplegate.gates.llm.conditions import When
from triplegate.gates.llm.deployment import Deployment
from triplegate.gates.llm.exact import Exact
from triplegate.gates.llm.model import Model, tiers_of
from triplegate.gates.llm.names import Names
from triplegate.gates.llm.pricing import ByName, price_of
from triplegate.gates.llm.shadow import Shadow
from triplegate.gates.llm.stars import Pattern
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

_MOST = 512
"""Concrete names that one pattern is listed by."""


def models_of(documents: Documents, kit: Kit) -> Mapping[str, Model]:
    """Every model by its name; also by its other names, and by patterns, where there are any."""
    models: dict[str, Model] = {}
    patterns: list[tuple[Pattern, Model]] = []
    aliases = {alias: name for name, document in documents.models.items() for alias in document.aliases}
    for name, document in documents.models.items():
        made = _model(name, document, documents, kit)
        if "*" in name:
            patterns.append((Pattern(name), made))
        else:
            models[name] = made
    for pattern, _ in patterns:
        for name in concrete(pattern, documents):
            if name not in models and name not in aliases:
                models[name] = _model(name, named(pattern, name, documents), documents, kit)
    if not (aliases or patterns):
        return models
    return Names(models, aliases, patterns)


def concrete(pattern: Pattern, documents: Documents) -> list[str]:
    """Names that fit and lead to a model that its vendor's file lists."""
    found: dict[str, None] = {}
    for written in documents.models[pattern.text].deployments:
        if "*" in written.model:
            vendor = Pattern(written.model)
            stars = [vendor.star(name) for name in documents.providers[written.provider].models]
            found.update(dict.fromkeys(pattern.filled(star) for star in stars if star is not None))
    return [name for name in list(found)[:_MOST] if pattern.star(name) is not None]


def named(pattern: Pattern, name: str, documents: Documents) -> ModelDocument:
    """The pattern's document as if `name` had been written."""
    document = documents.models[pattern.text]
    star = pattern.star(name) or ""
    deployments = tuple(one.model_copy(update={"model": one.model.replace("*", star)}) for one in document.deployments)
    return document.model_copy(update={"deployments": deployments, "aliases": ()})


def _model(name: str, document: ModelDocument, documents: Documents, kit: Kit) -> Model:
    places = tuple(
        _place(label, written, name, document.strategy, documents, kit)
        for label, written in labelled(document.deployments)
    )
    origin = documents.origin("models", name)
    for place in places if origin else ():  # names that fit a pattern have its faults
        missing = place.target.wiring.missing
        if missing:
            kit.faults.append(f"{origin} {name}, deployment {place.name}: {missing}")
    targets = [(place.target, place.weight) for place in places]
    route = Route(
        name,
        "llm",
        document.owner,
        document.policies,
        tuple(targets),
        targets[0][0].price,
        anonymous=None,
        origin=origin,
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
        Canary.of(name, document.canary),
        Shadow.of(name, document.shadow, anonymous_of(kit.directory, document.owner) if document.owner else None, kit),
        Exact.of(name, document.count, places, origin, kit),
        document.mcp_elsewhere or documents.llm.mcp_tools.elsewhere,
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


def _place(label: str, written: DeploymentDocument, model: str, strategy: str, documents: Documents, kit: Kit) -> Place:
    when = When(written.when) if written.when is not None else None
    return Place(_target(label, written, model, strategy, documents, kit), written.weight, written.tier, when)


def _target(
    label: str, written: DeploymentDocument, model: str, strategy: str, documents: Documents, kit: Kit
) -> Target:
    provider = documents.providers[written.provider]
    price, blocked = price_of(written, provider, documents.llm.unknown_price)
    policies = provider.policies + written.policies
    group = written.group or f"{written.provider}:{written.key or provider.key or ''}"
    limit = written.group or f"{group}:{written.model}"
    deployment = Deployment(written, provider, kit, limit, strategy)
    if "*" in written.model:
        deployment.pattern = Pattern(model)
        deployment.by_name = ByName(written, provider, documents.llm.unknown_price)
    deployment.alone = not documents.llm.share_cooldowns
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
        limit,
    )
