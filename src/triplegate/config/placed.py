"""Every policy of a configuration, wherever it was placed."""

from collections.abc import Iterator

from triplegate.config.documents import Documents
from triplegate.core.policy import Policy


def every_policy(documents: Documents) -> Iterator[Policy]:
    """The policies in force somewhere: of gates, routes, targets, plans and teams."""
    for document in (documents.gateway, documents.llm, documents.mcp):
        yield from document.policies
    for kind in ("services", "routes", "providers", "models", "servers", "virtual_servers", "plans"):
        for one in getattr(documents, kind).values():
            yield from one.policies
    for route in documents.routes.values():
        for share in route.services:
            yield from share.policies
    for model in documents.models.values():
        for deployment in model.deployments:
            yield from deployment.policies
    for org in documents.orgs.values():
        for team in org.teams.values():
            yield from team.policies
