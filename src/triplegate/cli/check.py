"""`triplegate check`: read the configuration and say everything that is wrong with it, at once, with its place."""

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from triplegate.cli.failures import Failed
from triplegate.cli.place import find_place


def check(
    *,
    config: Annotated[Path | None, Parameter(help="Directory or file of the configuration.")] = None,
    strict: Annotated[bool, Parameter(help="Warnings and missing secrets fail too.")] = False,
) -> int:
    """Say what is wrong (exit 1) or could be meant otherwise (a warning; exit 1 with --strict). Starts nothing."""
    from triplegate.config.environment import environment
    from triplegate.config.faults import ConfigError
    from triplegate.config.load import load
    from triplegate.config.secrets import FileSecrets
    from triplegate.policies import registry

    place = find_place(config)
    try:
        loaded = load(place.config, registry(), environment=place.environment)
    except ConfigError as error:
        terminal = sys.stderr.isatty()
        count = len(error.faults)
        text = error.excerpts() if terminal else str(error)
        raise Failed(f"{text}\n{count} error{'s' if count != 1 else ''}") from None
    lines = [f"warning: {warning}" for warning in loaded.warnings]
    secrets = FileSecrets(Path(loaded.settings.directory), environment())
    lines += [f"warning: {missing}" for missing in missing_secrets(loaded.documents, secrets)]
    for line in lines:
        print(line, file=sys.stderr)
    documents = loaded.documents
    print(
        f"good: {len(documents.routes)} routes, {len(documents.models)} models, {len(documents.servers)} servers,"
        f" {len(documents.orgs)} orgs; hash {loaded.hash[:12]}"
    )
    return 1 if strict and lines else 0


def missing_secrets(documents: object, secrets: object) -> list[str]:
    """What the documents refer to and cannot be read now: that object answers 503 until it can."""
    from triplegate.config.documents import Documents
    from triplegate.config.secrets import FileSecrets

    assert isinstance(documents, Documents)
    assert isinstance(secrets, FileSecrets)
    found: list[str] = []
    for name, model in documents.models.items():
        for place, deployment in enumerate(model.deployments):
            provider = documents.providers[deployment.provider]
            reference = deployment.key or provider.key
            if provider.auth is not None and (reference is None or secrets.read(reference) is None):
                where = documents.origin("models", name, "deployments", place)
                found.append(f"{where} model '{name}': no credential at {reference}")
    for name, server in documents.servers.items():
        if server.auth is not None and secrets.read(server.auth.bearer) is None:
            found.append(f"{documents.origin('servers', name)} server '{name}': nothing at {server.auth.bearer}")
    return found
