"""From models and providers as written to the llm gate of one snapshot."""

from triplegate.config.documents import Documents
from triplegate.config.documents_llm import DeploymentDocument, ModelDocument
from triplegate.config.people import anonymous_of
from triplegate.core.catalog import Route, Target
from triplegate.core.chains import Chains, of_targets
from triplegate.core.exchange import Compiled
from triplegate.core.ports import House, Kit
from triplegate.gates.llm.deployment import Deployment
from triplegate.gates.llm.gate import LlmGate, Surface
from triplegate.gates.llm.model import Model
from triplegate.gates.llm.paths import stored
from triplegate.gates.llm.paths.audio import SPEECH, TRANSCRIPTIONS, TRANSLATIONS
from triplegate.gates.llm.paths.chat import CHAT
from triplegate.gates.llm.paths.embeddings import EMBEDDINGS
from triplegate.gates.llm.paths.images import EDITS, GENERATIONS, VARIATIONS
from triplegate.gates.llm.paths.moderations import MODERATIONS
from triplegate.gates.llm.paths.rerank import RERANK
from triplegate.gates.llm.pricing import price_of
from triplegate.upstreams.balance import Weighted
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
    targets: list[tuple[Target, int]] = []
    taken: set[str] = set()
    for place, written in enumerate(document.deployments):
        label = written.name or f"{written.provider}/{written.model}"
        if label in taken:
            label = f"{label}#{place + 1}"
        taken.add(label)
        target = _target(label, written, documents, kit)
        targets.append((target, written.weight))
        if target.wiring.missing:
            kit.faults.append(f"{documents.origin('models', name)} {name}, deployment {label}: {target.wiring.missing}")
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
        Weighted.kept(kit, f"model:{name}", targets),
        tuple(target.wiring for target, _ in targets),
        document.fallback,
        None if document.teams is None else frozenset(document.teams),
        tuple(
            policy
            for policy in route.policies + of_targets(route)
            if policy.security and policy.form == "decide" and policy.mode == "enforce"
        ),
        "finish" if document.on_gone == "drain" else "cancel",
    )


def _target(label: str, written: DeploymentDocument, documents: Documents, kit: Kit) -> Target:
    provider = documents.providers[written.provider]
    price, blocked = price_of(written, provider, documents.llm.unknown_price)
    policies = provider.policies + written.policies
    deployment = Deployment(written, provider, kit)
    if blocked:
        deployment.missing, deployment.lacks = blocked, "price_unknown"
    return Target(
        "deployment",
        label,
        policies,
        price,
        written.group or f"{written.provider}:{written.key or provider.key or ''}",
        tuple(policy for policy in policies if policy.form == "claims"),
        deployment,
    )
