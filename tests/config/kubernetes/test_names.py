"""Names that metrics and records can bear."""

from triplegate.config.kubernetes.names import LONGEST, free, shortened


def test_a_short_name_stays_and_a_long_one_keeps_its_begin():
    assert shortened("shop.orders.0") == "shop.orders.0"
    long = "shop." + "o" * 100
    found = shortened(long)
    assert len(found) == LONGEST
    assert found.startswith("shop.ooo")
    assert found != shortened(long + "o")


def test_a_name_that_somebody_has_gets_a_number():
    assert free("a", set()) == "a"
    assert free("a", {"a", "a-2"}) == "a-3"
    long = "o" * 100
    assert free(long, {shortened(long)}) != shortened(long)
