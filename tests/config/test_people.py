"""Who exists, out of the documents' orgs."""

from triplegate.config.documents import Documents
from triplegate.config.people import anonymous_of, directory_of

ORGS = Documents.model_validate(
    {
        "orgs": {
            "a": {
                "teams": {
                    "web": {"plan": "free", "consumers": {"ci": {"plan": "gold", "roles": ["r"], "scopes": ["s"]}}}
                }
            },
            "b": {"teams": {"web": {}, "ops": {}}},
        }
    }
)


def test_a_team_is_found_by_org_and_name_and_by_its_name_alone_where_that_is_clear() -> None:
    assert sorted(directory_of(ORGS).teams) == ["a/web", "b/ops", "b/web", "ops"]


def test_a_consumer_has_its_own_plan_roles_and_scopes_and_else_its_teams() -> None:
    directory = directory_of(ORGS)
    known = directory.principal(directory.teams["a/web"], "ci", "key")
    assert (known.org, known.team, known.team_ref, known.plan) == ("a", "web", "a/web", "gold")
    assert (known.roles, known.scopes) == (frozenset({"r"}), frozenset({"s"}))
    assert directory.principal(directory.teams["a/web"], "other", "key").plan == "free"


def test_anonymous_calls_are_booked_on_the_owner() -> None:
    directory = directory_of(ORGS)
    caller = anonymous_of(directory, "ops")
    assert (caller.org, caller.team, caller.consumer, caller.method) == ("b", "ops", "anonymous", "none")
    assert anonymous_of(directory, None).consumer == "anonymous"
