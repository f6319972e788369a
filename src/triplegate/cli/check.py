"""`triplegate check`: read the configuration and say everything that is wrong with it, at once, with its place."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from triplegate.cli.failures import Failed, faults_text
from triplegate.cli.paint import paint
from triplegate.cli.place import find_place
from triplegate.cli.serve import warn
from triplegate.cli.tables import Format, put

if TYPE_CHECKING:
    from triplegate.config.documents import Documents
    from triplegate.config.documents import Path as DocumentPath
    from triplegate.config.secrets import FileSecrets


def check(
    *,
    config: Annotated[Path | None, Parameter(help="Directory or file of the configuration.")] = None,
    strict: Annotated[bool, Parameter(help="Warnings, missing secrets and bad certificates fail too.")] = False,
    status: Annotated[bool, Parameter(help="Show what became of each Kubernetes object.")] = False,
    form: Annotated[Format, Parameter(name="--format", help="Of --status: table, csv or json.")] = "table",
    output: Annotated[Path | None, Parameter(help="Write --status to this file.")] = None,
) -> int:
    """Say what is wrong (exit 1) or could be meant otherwise (a warning; exit 1 with --strict). Starts nothing."""
    from triplegate.cli.certificates import unfit
    from triplegate.config.environment import environment
    from triplegate.config.faults import ConfigError
    from triplegate.config.load import load
    from triplegate.config.secrets import FileSecrets
    from triplegate.core.clock import SystemClock
    from triplegate.policies import registry

    place = find_place(config)
    try:
        loaded = load(place.config, registry(), environment=place.environment)
    except ConfigError as error:
        raise Failed(faults_text(error, sys.stderr)) from None
    secrets = FileSecrets(Path(loaded.settings.directory), environment())
    lines = [*map(str, loaded.warnings), *missing(loaded.documents, secrets)]
    lines += unfit(loaded.settings, loaded.documents, loaded.manifests, SystemClock().wall())
    for line in lines:
        warn(line)
    if status:
        from triplegate.cli.statuses import status_text

        put(status_text(loaded.manifests, form, bold_head=output is None), output)
        return 1 if strict and lines else 0
    documents = loaded.documents
    print(
        f"{paint('good', 'green', sys.stdout)}: {len(documents.routes)} routes, {len(documents.models)} models,"
        f" {len(documents.servers)} servers, {len(documents.orgs)} orgs; hash {loaded.hash[:12]}"
    )
    return 1 if strict and lines else 0


def missing(documents: "Documents", secrets: "FileSecrets") -> list[str]:
    """What the documents refer to and cannot be read now: that object answers 503 until it can."""
    from triplegate.config.secrets import missing_secrets

    asked = [
        (name, place, deployment.provider)
        for name, model in documents.models.items()
        for place, deployment in enumerate(model.deployments)
        if deployment.key is None and not deployment.keys
    ]
    unused = documents.providers.keys() - {provider for _, _, provider in asked}
    keyless = [
        f"{documents.origin('models', name, 'deployments', place)} model '{name}': provider '{provider}' has no key"
        for name, place, provider in asked
        if documents.providers[provider].auth is not None and documents.providers[provider].key is None
    ]
    return keyless + [
        f"{documents.origin(*path)} {_named(path)}: nothing at {reference}"
        for path, reference in missing_secrets(documents, secrets)
        if not (path[0] == "providers" and path[2:] == ("key",) and path[1] in unused)
    ]


def _named(path: "DocumentPath") -> str:
    """The object that a path leads to: kind and name, or the kind alone where there is one only."""
    kind = str(path[0])
    return kind if kind in ("gateway", "llm", "mcp") else f"{kind.removesuffix('s').replace('_', ' ')} '{path[1]}'"
