"""Who exists: the directory that identity policies read, out of the documents' orgs."""

from triplegate.config.documents import Documents
from triplegate.config.documents_budgets import allowances
from triplegate.core.identity import ANONYMOUS, Directory, Principal, Team


def directory_of(documents: Documents) -> Directory:
    """Teams by org/team, and by their bare name where only one org has it."""
    teams: dict[str, Team] = {}
    bare: dict[str, list[Team]] = {}
    for org_name, org in documents.orgs.items():
        for team_name, written in org.teams.items():
            consumers = {
                name: (consumer.plan or "", frozenset(consumer.roles), frozenset(consumer.scopes))
                for name, consumer in written.consumers.items()
            }
            begin = org.fiscal_start
            of_org = allowances(org.budget, f"org:{org_name}", "org", begin)
            of_team = allowances(written.budget, f"team:{org_name}/{team_name}", "team", begin)
            of_consumers = {
                name: allowances(consumer.budget, f"consumer:{org_name}/{team_name}/{name}", "consumer", begin)
                for name, consumer in written.consumers.items()
                if consumer.budget
            }
            team = Team(org_name, team_name, written.plan or "", consumers, of_org + of_team, begin, of_consumers)
            teams[team.ref] = team
            bare.setdefault(team_name, []).append(team)
    for name, found in bare.items():
        if len(found) == 1:
            teams.setdefault(name, found[0])
    return Directory(teams)


def anonymous_of(directory: Directory, owner: str | None) -> Principal:
    """Who calls a route with `identity: none`: consumer `anonymous` of the team that owns it."""
    team = directory.teams.get(owner or "") or Team("", owner or "")
    return directory.principal(team, ANONYMOUS, "none")
