"""What was spent is labels and whole numbers."""

from triplegate.control.reports.spending import Spent


def test_it_holds_what_it_is_given() -> None:
    spent = Spent({"team": "web"}, {"cost": 5})
    assert (spent.labels["team"], spent.sums["cost"]) == ("web", 5)
