"""Conditions: the first refusal is told, and statuses look like Kubernetes' own."""

from triplegate.config.faults import Position
from triplegate.config.kubernetes.conditions import Conditions, Status

HERE = Position("apis/k.yaml", 3, 1)


def test_the_first_refusal_of_a_type_is_the_one_that_is_told():
    made = Conditions("Accepted", "Programmed")
    assert made.holds("Accepted")
    made.refuse("Accepted", "One", "first")
    made.refuse("Accepted", "Two", "second")
    assert not made.holds("Accepted")
    assert not made.holds("Never")
    assert [(one.type, one.holds, one.reason) for one in made.all()] == [
        ("Accepted", False, "One"),
        ("Programmed", True, "Programmed"),
    ]
    made.put("Accepted", "Three", "whatever was said")
    assert made.holds("Accepted")


def test_a_status_is_shown_as_a_manifest_and_as_lines():
    made = Conditions("Accepted")
    made.put("Conflicted", "NoConflicts", "", holds=False)
    made.refuse("Accepted", "Invalid", "why")
    shown = {"conditions": made.shown(4)}
    status = Status("v1", "Gateway", "shop", "web", HERE, shown, (("http", made),))
    assert status.manifest() == {
        "apiVersion": "v1",
        "kind": "Gateway",
        "metadata": {"name": "web", "namespace": "shop"},
        "status": {
            "conditions": [
                {"type": "Accepted", "status": "False", "reason": "Invalid", "message": "why", "observedGeneration": 4},
                {
                    "type": "Conflicted",
                    "status": "False",
                    "reason": "NoConflicts",
                    "message": "",
                    "observedGeneration": 4,
                },
            ]
        },
    }
    bad, good = status.rows()
    assert (bad.name, bad.part, bad.bad, good.bad) == ("shop/web", "http", True, False)
