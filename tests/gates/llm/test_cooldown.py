"""Leave alone for a while what said no; then one call tries it again."""

from triplegate.gates.llm.cooldown import Cooldown, Pace

PACE = Pace(5.0, 60.0)


def test_each_refusal_after_a_pause_makes_the_next_pause_longer_up_to_the_longest():
    cooldown, now, pauses = Cooldown(), 100.0, []
    for _ in range(6):
        cooldown.take(now)
        cooldown.refused(now, PACE, None, "429")
        pauses.append(cooldown.left(now))
        now += pauses[-1]
        assert cooldown.left(now) == 0
    assert pauses == [5, 10, 20, 40, 60, 60]
    cooldown.well()
    cooldown.refused(now, PACE, None, "429")
    assert cooldown.left(now) == 5


def test_what_it_asks_for_is_kept_to_the_letter():
    cooldown = Cooldown()
    cooldown.refused(0.0, PACE, 7.0, "429")
    assert (cooldown.left(6.9) > 0, cooldown.left(7.0)) == (True, 0)
    cooldown = Cooldown()
    cooldown.refused(0.0, PACE, 86_400.0, "429")
    assert cooldown.left(0.0) == 3600


def test_many_answers_of_one_moment_count_once():
    cooldown = Cooldown()
    for _ in range(10):
        cooldown.refused(1.0, PACE, None, "429")
    assert (cooldown.left(1.0), cooldown.cooled) == (5, 1)
    cooldown.refused(2.0, PACE, 30.0, "429")
    assert cooldown.left(2.0) == 30


def test_one_call_tries_and_the_others_wait_until_it_is_known():
    cooldown = Cooldown()
    cooldown.refused(0.0, PACE, 2.0, "429")
    cooldown.take(2.0)
    assert cooldown.left(2.1) > 0
    cooldown.unsaid()
    assert cooldown.left(2.1) == 0
    cooldown.take(2.1)
    assert (cooldown.left(31.0) > 0, cooldown.left(33.0)) == (True, 0)  # nothing was heard of it
    cooldown.well()
    assert cooldown.left(2.2) == 0
    cooldown.take(2.2)
    assert cooldown.left(2.3) == 0


def test_what_is_told_and_heard_of_other_processes():
    here, there, told = Cooldown(), Cooldown(), []
    here.tell = told.append
    here.refused(0.0, PACE, 7.0, "429")
    here.refused(1.0, PACE, 3.0, "429")  # nothing new
    here.well()
    here.well()
    assert told == [7.0, 0.0]
    there.heard(100.0, 7.0)
    assert (there.left(106.0), there.why) == (1.0, "as another worker or node was told")
    there.heard(101.0, 2.0)
    assert there.left(106.0) == 1.0
    there.heard(107.0, 86_400.0)
    assert there.left(107.0) == 3600
    there.heard(108.0, 0.0)
    assert there.left(108.0) == 0
