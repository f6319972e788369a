"""What is kept of an answer for its span: its beginning, before anything is closed."""

from tests.builders import make_exchange

from triplegate.core.http import Encoder
from triplegate.gates.llm.keeping import MARK, MOST, Keeping


class Closing(Encoder):
    """Closes its exchange with a frame, as streams do with their last one."""

    whole = True

    def __init__(self, exchange):
        self.exchange = exchange
        self.seen = None

    def feed(self, frame):
        self.seen = bytes(self.exchange.marks[MARK])
        return frame + b"!"

    def finish(self):
        return b"end"

    def fail(self, refusal):
        return str(refusal).encode()


def test_the_others_bytes_pass_and_what_it_is_fed_is_kept_first():
    exchange = make_exchange()
    inner = Closing(exchange)
    keeping = Keeping(inner, exchange)
    assert (keeping.feed(b"ab"), inner.seen) == (b"ab!", b"ab")
    assert keeping.feed(b"c") == b"c!"
    assert (keeping.whole, keeping.finish(), keeping.fail(ValueError("why"))) == (True, b"end", b"why")
    assert exchange.marks == {MARK: bytearray(b"abc")}


def test_no_more_than_a_bound_and_a_frame_is_kept():
    exchange = make_exchange()
    keeping = Keeping(Encoder(), exchange)
    for _ in range(100):
        keeping.feed(b"x" * 16_384)
    assert MOST < len(exchange.marks[MARK]) <= MOST + 16_384
