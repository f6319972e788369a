"""Two nodes learn as one: what one learns the other knows, whoever starts hears it first, and the net closes on all."""

import pytest
from tests.builders import make_kit
from tests.stores.semantic.test_meaning import Topical, ask, kept, steps, taught

from triplegate.core.clock import SetClock
from triplegate.core.errors import Refusal
from triplegate.stores.answers.purging import TAG
from triplegate.stores.memory.cache import MemoryCache
from triplegate.stores.memory.mailbox import MemoryMailbox
from triplegate.stores.memory.vectors import MemoryVectors
from triplegate.stores.semantic import sharing as module
from triplegate.stores.semantic.meaning import Meaning, answer_text
from triplegate.stores.semantic.namespace import COMPLAINT
from triplegate.stores.semantic.notes import Note

NAME = "p|team:t|m"
ASKED = "How about the password kind wordf thingg"


class SharedCache(MemoryCache):
    shared = True


class Store:
    """What nodes share; each has its own memory of what was learnt."""

    def __init__(self):
        self.clock = SetClock()
        self.ports = {
            "clock": self.clock,
            "cache": SharedCache(self.clock),
            "vectors": MemoryVectors(self.clock),
            "mailbox": MemoryMailbox(self.clock),
        }

    def node(self):
        return Meaning(make_kit(**self.ports), Topical(), None)


@pytest.fixture
def store():
    return Store()


def namespace(node):
    return node.namespace(NAME, 0.02, 0.02, seed=1)


async def heard(node):
    """The namespace, once all was heard that the others told."""
    node.sharing._kit.clock.advance(module._FRESH)
    found = namespace(node)
    await node.sharing.freshen(NAME, found)
    return found


async def test_a_node_that_starts_serves_what_the_other_has_learnt(store):
    first = store.node()
    await taught(first)
    alone = Meaning(make_kit(**{**store.ports, "cache": MemoryCache(store.clock)}), Topical(), None)
    assert (await alone.look(ASKED, NAME, namespace(alone), "s", "team:t")).decision == "ask"
    second = store.node()
    looked = await ask(second, ASKED, steps("password"))
    assert looked.decision in ("serve", "audit")
    assert answer_text(await second.answer(looked)) == steps("password")


async def test_counts_are_merged_and_nothing_counts_twice(store):
    nodes = [store.node(), store.node()]
    for number in range(90):
        await ask(nodes[number % 2], f"How about the invoice kind word{chr(97 + number % 23)}", steps("invoice"))
        store.clock.advance(module._FRESH)
    totals = [(await heard(node)).told() for node in nodes]
    own = sum([len(namespace(node).verdict) for node in nodes]) / 2
    assert totals[0].labels == totals[1].labels == own
    third = (await heard(store.node())).told()
    assert (third.labels, third.audits, third.wrong) == (totals[0].labels, totals[0].audits, totals[0].wrong)
    # what was counted since the last note is still its own node's
    assert abs(totals[0].questions - 90) <= 5
    assert abs(third.hits - totals[0].hits) <= 5


async def test_the_net_closes_on_all_nodes(store):
    first, second = store.node(), store.node()
    await taught(first, 60)
    assert not (await heard(second)).closed
    for _ in range(2):
        await first.sharing.tell(NAME, namespace(first), COMPLAINT)
    assert namespace(first).closed
    assert (await heard(second)).closed
    assert (await ask(second, ASKED, steps("password"))).decision == "ask"
    assert (await heard(store.node())).closed


async def test_a_note_is_heard_before_the_next_decision_and_not_asked_for_at_each(store):
    first, second = store.node(), store.node()
    found = await heard(second)
    await first.sharing.tell(NAME, namespace(first), COMPLAINT)
    await second.sharing.freshen(NAME, found)
    assert found.audits == 0
    store.clock.advance(module._FRESH)
    await second.sharing.freshen(NAME, found)
    assert found.audits == 1


async def test_the_sum_stands_in_for_notes_that_are_gone(store, monkeypatch):
    monkeypatch.setattr(module, "_SUM", 20)
    first = store.node()
    await taught(first, 100)
    known = namespace(first).told()
    box = namespace(first).place.box
    store.ports["mailbox"]._boxes[box].messages.clear()
    store.ports["mailbox"]._boxes[box].size = 0
    told = (await heard(store.node())).told()
    assert known.labels - 20 <= told.labels <= known.labels
    assert told.labels > 20


async def test_notes_after_the_sum_are_heard_and_those_before_it_not_again(store, monkeypatch):
    monkeypatch.setattr(module, "_SUM", 7)
    first, second = store.node(), store.node()
    await taught(first, 30)
    await heard(second)
    await taught(second, 30)
    totals = {len((await heard(node)).verdict) for node in (first, second, store.node())}
    assert len(totals) == 1


async def test_a_namespace_that_was_forgotten_knows_its_own_notes_again(store):
    node = store.node()
    await taught(node, 60)
    known = len(namespace(node).verdict)
    node.namespaces.clear()
    assert len((await heard(node)).verdict) == known


class Away(MemoryMailbox):
    async def append(self, box, message, ttl):
        raise Refusal("overloaded", "away")

    async def read(self, box, after, wait):
        raise Refusal("overloaded", "away")


async def test_where_the_store_is_away_a_node_learns_alone(store):
    store.ports["mailbox"] = Away(store.clock)
    node = store.node()
    await taught(node)
    assert (await ask(node, ASKED, steps("password"))).decision in ("serve", "audit")
    assert node.sharing.failures


async def test_namespaces_and_models_have_logs_of_their_own(store):
    first, second = store.node(), store.node()
    await taught(first, 30)
    other = second.namespace("p|team:other|m", 0.02, 0.02)
    await second.sharing.freshen("p|team:other|m", other)
    assert len(other.verdict) == 0
    second.embedder.fingerprint = "another"
    assert len((await heard(second)).verdict) == 0


async def test_callers_may_complain_at_another_node(store):
    first, second = store.node(), store.node()
    await taught(first)
    looked = await ask(first, ASKED, steps("password"))
    entry = looked.candidate.entry
    assert not await second.feedback(entry, ["team:other"], right=False)
    assert await second.feedback(entry, ["team:t"], right=False)
    assert not await first.feedback(entry, ["team:t"], right=False)
    assert (await heard(first)).wrong == 1
    near = await store.ports["vectors"].near(first.questions("s"), looked.vector, 200)
    assert entry not in {one.name for one in near}


async def test_alone_nothing_is_shared(store):
    alone = Meaning(make_kit(**{**store.ports, "cache": MemoryCache(store.clock)}), Topical(), None)
    assert alone.sharing is None
    looked = await ask(alone, "How about the invoice", steps("invoice"))
    await alone.learn(looked, "How about the invoice", kept(steps("invoice")), [], 60, "k")
    assert namespace(alone).place is None


async def test_a_note_of_another_form_is_passed_over(store):
    node = store.node()
    await node.sharing.tell(NAME, namespace(node), Note((1.0,) * 7, "a", 0.5, right=True, audited=False))
    await store.ports["mailbox"].append(namespace(node).place.box, b"\xc1", 60)
    assert len((await heard(store.node())).verdict) == 1


async def test_what_is_told_anywhere_may_be_complained_of_from_the_first_moment_on(store, monkeypatch):
    add, known = MemoryVectors.add, []

    async def looked_at(vectors, space, name, *more):
        if ":q:" in space:
            known.append(await store.ports["cache"].get(f"{TAG}:entry:{name}"))
        await add(vectors, space, name, *more)

    monkeypatch.setattr(MemoryVectors, "add", looked_at)
    await taught(store.node())
    assert known
    assert None not in known
