"""What models say that has no effect: copies nobody could pay for, strategies with nothing to go by."""

from collections.abc import Callable

from triplegate.config.documents import Documents, Path
from triplegate.config.documents_llm import DeploymentDocument, ModelDocument
from triplegate.config.documents_prices import ChargeDefault
from triplegate.config.documents_routing import StickyDocument
from triplegate.config.faults import Findings, Position

At = Callable[[Path], Position]


def check_models(documents: Documents, at: At, findings: Findings) -> None:
    """Warn of what probably is not meant."""
    for name, model in documents.models.items():
        place: Path = ("models", name)
        _check_strategy(documents, model, place, at, findings)
        shadow = model.shadow
        other = None if shadow is None else documents.models.get(shadow.model)
        if shadow is not None and other is not None and not _priced(documents, other):
            message = f"no deployment of '{shadow.model}' has a known price: nothing is copied to it"
            findings.warn(at((*place, "shadow")), message)


def _check_strategy(documents: Documents, model: ModelDocument, place: Path, at: At, findings: Findings) -> None:
    if model.sticky != StickyDocument() and model.strategy != "sticky":
        findings.warn(at((*place, "sticky")), f"sticky has no effect with strategy: {model.strategy}")
    if model.strategy == "cost" and not _priced(documents, model):
        findings.warn(at((*place, "strategy")), "no deployment has a known price: strategy: cost goes by weight")


def _priced(documents: Documents, model: ModelDocument) -> bool:
    return any(_known(documents, written) for written in model.deployments)


def _known(documents: Documents, written: DeploymentDocument) -> bool:
    """Whether it is said what calls there cost; of a pattern each name has its own price."""
    provider = documents.providers.get(written.provider)
    if provider is None or written.price is not None or "*" in written.model:
        return True
    rates = provider.listed(written.model)
    if rates is not None and rates.priced:
        return True
    said = provider.unknown_price if provider.unknown_price is not None else documents.llm.unknown_price
    return isinstance(said, ChargeDefault)
