"""The names of the instruments are as OpenTelemetry and Prometheus want them, and no label names a person."""

import re

from triplegate.core.meter_names import COUNTERS, HISTOGRAMS

EVERY = [(name, unit, text, labels) for _, name, unit, text, labels, _ in (*HISTOGRAMS, *COUNTERS)]


def test_each_is_named_once_and_well() -> None:
    attributes = [one[0] for one in (*HISTOGRAMS, *COUNTERS)]
    assert len(set(attributes)) == len(attributes)
    assert len({name for name, *_ in EVERY}) == len(EVERY)
    for name, unit, text, labels in EVERY:
        assert re.fullmatch(r"[a-z]+(?:[._][a-z]+)*", name)
        assert re.fullmatch(r"s|\{[a-zA-Z]+\}", unit)
        assert text.endswith(".")
        assert all(re.fullmatch(r"[a-z]+(?:[._][a-z]+)+", label) for label in labels)


def test_bounds_of_histograms_rise() -> None:
    for _, name, _, _, _, bounds in HISTOGRAMS:
        assert list(bounds) == sorted(set(bounds)), name


def test_no_label_is_a_key_a_consumer_or_a_user() -> None:
    for name, _, _, labels in EVERY:
        assert not [label for label in labels if re.search("key|consumer|user|session|address", label)], name
