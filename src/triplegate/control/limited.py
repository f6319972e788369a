"""How limits stand: every limit of the configuration in force with the subjects that use it now, the fullest first."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from triplegate.config.documents import Documents
from triplegate.config.placed import every_policy
from triplegate.control.view import LimitView
from triplegate.core.admission import Admission, Claim, Standing
from triplegate.core.identity import KeyRecord
from triplegate.core.policy import Policy
from triplegate.gates.llm.building import labelled

MOST = 1_000
"""Subjects of one limit that are looked at."""
_BATCH = 100
Subject = tuple[str, str, str]
"""Its name, and the org and team that it belongs to; both empty for what is everybody's."""


async def limit_views(documents: Documents, keys: Iterable[KeyRecord], admission: Admission) -> list[LimitView]:
    """Each limit with those of its subjects that have used some of it; a limit that nobody uses has one empty line."""
    known = _subjects(documents, keys)
    found: list[LimitView] = []
    for policy in {policy.label: policy for policy in every_policy(documents) if policy.form == "claims"}.values():
        claims = _claims(policy, known)
        used: list[LimitView] = []
        for batch in _parted(claims):
            standings = await admission.peek(tuple(claim for claim, _ in batch))
            used += [
                _view(policy, subject, standing)
                for (_, subject), standing in zip(batch, standings, strict=True)
                if standing.remaining < _whole(standing.claim)
            ]
        found += sorted(used, key=lambda one: (one.remaining / one.quota if one.quota else 0.0, one.subject))
        if not used:
            found += [_unused(policy, claim) for claim in policy.buckets("")]
    return found


def _parted(claims: Sequence[tuple[Claim, Subject]]) -> Iterable[Sequence[tuple[Claim, Subject]]]:
    return [claims[start : start + _BATCH] for start in range(0, len(claims), _BATCH)]


def _claims(policy: Policy, known: Mapping[str, list[Subject]]) -> list[tuple[Claim, Subject]]:
    subjects = known.get(getattr(policy, "by", ""), [])
    return [(claim, subject) for subject in subjects for claim in policy.buckets(subject[0])]


def _whole(claim: Claim) -> int:
    return claim.limit.burst or claim.limit.quota


def _view(policy: Policy, subject: Subject, standing: Standing) -> LimitView:
    name, org, team = subject
    view = _unused(policy, standing.claim)
    whole = _whole(standing.claim)
    return msgspec.structs.replace(
        view,
        subject=name,
        org=org,
        team=team,
        used=whole - standing.remaining,
        remaining=standing.remaining,
        reset=standing.reset,
    )


def _unused(policy: Policy, claim: Claim) -> LimitView:
    limit, whole = claim.limit, _whole(claim)
    window = limit.window if isinstance(limit.window, int | float) else 0.0
    unit = "at once" if limit.family == "concurrent" else limit.dimension
    return LimitView(
        policy.label, policy.use, limit.name, getattr(policy, "by", ""), unit, whole, window, policy.mode, policy.origin
    )


def _subjects(documents: Documents, keys: Iterable[KeyRecord]) -> dict[str, list[Subject]]:
    """Who may use limits, by what limits count by. Addresses are not known beforehand."""
    teams = [(org, team, written) for org, one in documents.orgs.items() for team, written in one.teams.items()]
    of_consumers = [(f"{org}/{team}/{name}", org, team) for org, team, one in teams for name in one.consumers]
    routes = [*documents.routes, *documents.models, *documents.servers]
    deployments = [label for model in documents.models.values() for label, _ in labelled(model.deployments)]
    found = {
        "consumer": of_consumers,
        "team": [(f"{org}/{team}", org, team) for org, team, _ in teams],
        "org": [(org, org, "") for org in documents.orgs],
        "key": [(one.key_id, one.org, one.team) for one in keys if one.revoked is None],
        "plan": _everybodys(documents.plans),
        "route": _everybodys(routes),
        "server": _everybodys(documents.servers),
        "model": _everybodys(documents.models),
        "deployment": _everybodys(deployments),
    }
    return {by: list(dict.fromkeys(subjects))[:MOST] for by, subjects in found.items()}


def _everybodys(names: Iterable[str]) -> list[Subject]:
    return [(name, "", "") for name in names]
