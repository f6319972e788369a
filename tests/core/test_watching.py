"""Watches see events from the inside out; what an inner one held back passes the outer ones at the end."""

from triplegate.core.watching import Watched, watched_of


class Holding:
    """Marks what passes, and holds back the last event until the end."""

    def __init__(self, mark):
        self.mark, self.held, self.judged = mark, [], False

    def feed(self, events):
        now = [*self.held, *[event + self.mark for event in events]]
        self.held = now[-1:]
        return now[:-1]

    async def judge(self):
        self.judged = True

    def finish(self):
        return self.held


def look(mark, made, *, changes=True):
    def make():
        made.append(Holding(mark))
        return made[-1]

    make.changes = changes
    return make


def test_the_innermost_sees_first_and_all_of_it_reaches_the_client_in_order():
    made = []
    watched = Watched([look("o", made), look("i", made)])
    told = watched.feed(["1", "2", "3", "4"])
    told += watched.finish()
    assert told == ["1io", "2io", "3io", "4io"]


async def test_every_verdict_is_waited_for():
    made = []
    await Watched([look("a", made), look("b", made)]).judge()
    assert [one.judged for one in made] == [True, True]


def test_an_answer_is_written_anew_only_where_somebody_may_change_it():
    made = []
    assert not Watched([look("a", made, changes=False)]).changes
    assert Watched([look("a", made, changes=False), look("b", made)]).changes


def test_nobody_looks_where_nobody_asked_to():
    assert watched_of(None) is None
    assert watched_of([]) is None
