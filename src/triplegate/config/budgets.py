"""Every budget of a configuration, and which calls take of it: what the ledger is asked to compare counters."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from triplegate.config.documents import Documents
from triplegate.config.documents_budgets import PlacedTerms, allowances, is_budget
from triplegate.core.allowance import Allowance
from triplegate.core.policy import Policy

Place = Mapping[str, str]
"""What the ledger says of each call that takes of a budget, by dimension; empty: all calls do."""


class Budgeted(msgspec.Struct, frozen=True):
    """A budget and where it stands; one of one name in several places counts the calls of all of them."""

    allowance: Allowance
    places: tuple[Place, ...]

    def takes(self, parts: Place) -> bool:
        """Whether a call of which the ledger says `parts` took of it."""
        return any(all(parts[name] == value for name, value in place.items()) for place in self.places)

    @property
    def parts(self) -> frozenset[str]:
        """Dimensions that tell which calls are meant."""
        return frozenset(name for place in self.places for name in place)


def budgets_of(documents: Documents) -> dict[str, Budgeted]:
    """By label: those of orgs, teams and consumers, then those of policies."""
    found: dict[str, Budgeted] = {}
    for allowance, place in (*_of_people(documents), *_of_policies(documents)):
        known = found.get(allowance.label)
        places = (place,) if known is None else (*known.places, place)
        found[allowance.label] = Budgeted(allowance if known is None else known.allowance, places)
    return found


def _of_people(documents: Documents) -> Iterator[tuple[Allowance, Place]]:
    for org_name, org in documents.orgs.items():
        begin = org.fiscal_start
        for one in allowances(org.budget, f"org:{org_name}", "org", begin):
            yield one, {"org": org_name}
        for team_name, team in org.teams.items():
            place = {"org": org_name, "team": team_name}
            for one in allowances(team.budget, f"team:{org_name}/{team_name}", "team", begin):
                yield one, place
            for name, consumer in team.consumers.items():
                label = f"consumer:{org_name}/{team_name}/{name}"
                for one in allowances(consumer.budget, label, "consumer", begin):
                    yield one, place | {"consumer": name}


def _of_policies(documents: Documents) -> Iterator[tuple[Allowance, Place]]:
    for policies, place in _places(documents):
        for policy in policies:
            if is_budget(policy):
                yield allowance_of(policy), place


def allowance_of(policy: PlacedTerms) -> Allowance:
    """The budget of a policy that knows its place; a refused caller is told its name, or the tag."""
    placed: Any = policy  # a policy, too: it knows label and name
    return policy.allowance(placed.label, placed.name or placed.use, policy.by, policy.fiscal_start)


def _places(documents: Documents) -> Iterator[tuple[Iterable[Policy], Place]]:
    yield documents.gateway.policies, {}
    yield documents.llm.policies, {"gate": "llm"}
    yield documents.mcp.policies, {"gate": "mcp"}
    for kind, gate, dimension in (
        ("routes", "api", "route"),
        ("models", "llm", "route"),
        ("servers", "mcp", "route"),
        ("services", "api", "target"),
        ("providers", "llm", "provider"),
    ):
        for name, document in getattr(documents, kind).items():
            yield document.policies, {"gate": gate, dimension: name}
    for name, plan in documents.plans.items():
        yield plan.policies, {"plan": name}
    for org_name, org in documents.orgs.items():
        for team_name, team in org.teams.items():
            yield team.policies, {"org": org_name, "team": team_name}
