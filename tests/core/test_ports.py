"""State outlives swaps by kind and name; what two snapshots no longer use is dropped."""

from tests.builders import make_kit

from triplegate.core.identity import Directory
from triplegate.core.ports import States


def test_state_is_made_once_per_kind_and_name():
    kit = make_kit()
    assert kit.state(dict, "a", dict) is kit.state(dict, "a", dict)
    assert kit.state(dict, "a", dict) is not kit.state(dict, "b", dict)
    assert kit.state(dict, "a", dict) is not kit.state(list, "a", list)


def test_state_stays_while_one_of_the_last_two_snapshots_uses_it():
    states = States()
    states.begin()
    kept = states.get(dict, "breaker", dict)
    states.begin()  # the next snapshot does not use it
    assert states.sweep() == []
    states.begin()  # nor does the one after
    assert states.sweep() == [kept]
    assert states.get(dict, "breaker", dict) is not kept


def test_a_hundred_reloads_keep_what_is_used():
    states = States()
    first = states.get(dict, "limit", dict)
    for _ in range(100):
        states.begin()
        assert states.get(dict, "limit", dict) is first
        states.sweep()


def test_a_kit_for_another_snapshot_shares_everything_but_the_people():
    kit = make_kit()
    other = kit.with_directory(Directory())
    assert other.directory is not kit.directory
    assert other.states is kit.states
    assert other.admission is kit.admission


def test_states_of_one_kind_are_listed_with_their_names():
    states = States()
    for name in ("a", "b"):
        states.get(list, name, list)
    states.get(dict, "c", dict)
    assert states.named(list) == [("a", []), ("b", [])]
