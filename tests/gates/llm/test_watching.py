"""Those who look at an answer see its events, and hear of its end only when it was a good one."""

from tests.gates.llm.calls import COUNT, DONE, STOP, WORD
from tests.gates.llm.test_decoding import Pieces

from triplegate.core.watching import Watched
from triplegate.gates.llm.flow import Translated
from triplegate.gates.llm.streaming import Streaming
from triplegate.gates.llm.watching import SealedTranslated, Tapped, flow_of
from triplegate.wire import openai, openai_errors
from triplegate.wire.codec import Shape
from triplegate.wire.neutral_events import BlockStart, Delta, Finish


class Seeing:
    """Notes what it sees; changes words to capitals where it may."""

    def __init__(self, *, changes):
        self.changes, self.events, self.ended = changes, [], 0

    def __call__(self):
        return self

    def feed(self, events):
        self.events += events
        if not self.changes:
            return events
        return [Delta(one.index, one.text.upper()) if isinstance(one, Delta) else one for one in events]

    async def judge(self):
        pass

    def finish(self):
        self.ended += 1
        return []


def made(*, changes, sealing=None):
    seeing = Seeing(changes=changes)
    relay = openai.CLIENT.relay(False)
    reader, writer = openai.PROVIDER.reader(), openai.CLIENT.writer(Shape("m", "id", 1))
    return seeing, flow_of(Watched([seeing]), relay, openai_errors.event, reader, writer, sealing)


def test_bytes_pass_as_they_came_where_nobody_changes_anything():
    seeing, flow = made(changes=False)
    assert type(flow) is Tapped
    assert [flow.feed(piece) for piece in (WORD, STOP, COUNT)] == [WORD, STOP, COUNT]
    assert flow.feed(DONE) == DONE
    assert (flow.finish(), flow.tell([])) == (b"", b"")
    assert [one for one in seeing.events if isinstance(one, Delta | Finish)] == [
        Delta(0, "word"),
        Finish("stop", "stop"),
    ]


async def test_the_end_is_told_with_the_end_marker_because_clients_leave_there():
    seeing, flow = made(changes=False)
    stream = Streaming(Pieces(WORD, STOP, DONE, b": more\n\n"), flow, "p/x")
    told = [await anext(stream) for _ in range(2)]
    assert seeing.ended == 0
    told.append(await anext(stream))
    assert seeing.ended == 1
    told += [piece async for piece in stream]
    assert b"".join(told).startswith(WORD + STOP + DONE)
    assert seeing.ended == 1


def test_an_answer_that_may_be_changed_is_written_anew():
    _, flow = made(changes=True)
    assert type(flow) is Translated
    told = flow.feed(WORD + STOP + COUNT + DONE) + flow.finish()
    assert not flow.done
    told += flow.tell([])
    assert b"WORD" in told
    assert b'"word"' not in told
    assert told.endswith(DONE)
    assert (flow.done, flow.usage.total) == (True, 15)


def test_ids_are_sealed_in_what_is_written_anew_too():
    _, flow = made(changes=True, sealing=lambda block: block.replace(b"WORD", b"<sealed>"))
    assert type(flow) is SealedTranslated
    assert b"<sealed>" in flow.feed(WORD + STOP + DONE) + flow.finish()
    assert b"<sealed>" in flow.tell([BlockStart(1, "text"), Delta(1, "WORD")])
