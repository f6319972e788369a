"""What differs between two configurations."""

from hypothesis import given
from hypothesis import strategies as st
from tests.config.policies import KeyAuth, RateLimit

from triplegate.config.diff import diff
from triplegate.config.documents import Documents, GatewayDocument, PlanDocument


def services(**timeouts: str) -> Documents:
    return Documents.model_validate(
        {"services": {name: {"endpoints": ["http://h"], "timeout": value} for name, value in timeouts.items()}}
    )


def test_added_removed_and_changed_are_told_apart() -> None:
    found = [str(one).split(":")[0] for one in diff(services(a="1s", b="1s"), services(b="2s", c="1s"))]
    assert found == ["- services.a", "~ services.b.timeout", "+ services.c"]


def test_old_and_new_are_shown() -> None:
    (found,) = diff(services(a="1s"), services(a="2s"))
    assert (found.before, found.after) == (1.0, 2.0)
    assert str(found) == "~ services.a.timeout: 1.0 -> 2.0"


def test_a_written_default_is_no_difference() -> None:
    one = Documents.model_validate({"services": {"a": {"endpoints": ["http://h"]}}})
    two = Documents.model_validate({"services": {"a": {"endpoints": ["http://h/"], "host": "upstream"}}})
    assert not diff(one, two)


def test_policies_are_compared_by_place_and_kind() -> None:
    def gateway(*policies: KeyAuth | RateLimit) -> Documents:
        return Documents(gateway=GatewayDocument(policies=policies))

    before = gateway(KeyAuth(), RateLimit(requests=1))
    assert [one.path for one in diff(before, gateway(KeyAuth(), RateLimit(requests=2)))] == [
        ("gateway", "policies", 1, "requests")
    ]
    assert [(one.verb, one.path) for one in diff(before, gateway(RateLimit(requests=1)))] == [
        ("changed", ("gateway", "policies", 0)),
        ("removed", ("gateway", "policies", 1)),
    ]


Plans = dict[str, list[int]]
_plans = st.dictionaries(st.sampled_from("abc"), st.lists(st.integers(1, 3), max_size=3), max_size=3)


@given(_plans, _plans)
def test_nothing_differs_exactly_when_the_digests_are_equal(
    one: dict[str, list[int]], two: dict[str, list[int]]
) -> None:
    def documents(plans: Plans) -> Documents:
        limits = {name: tuple(RateLimit(requests=count) for count in counts) for name, counts in plans.items()}
        return Documents(plans={name: PlanDocument(policies=policies) for name, policies in limits.items()})

    before, after = documents(one), documents(two)
    assert (not diff(before, after)) == (before.digest() == after.digest()) == (one == two)
