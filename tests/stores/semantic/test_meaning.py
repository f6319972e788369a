"""A memory that learns: near questions are candidates, providers' answers are what it learns from, bounds hold."""

import asyncio

import msgspec
import numpy as np
import pytest
from tests.builders import make_kit

from triplegate.core.clock import SystemClock
from triplegate.stores.answers.kept import Kept
from triplegate.stores.answers.purging import purge, purge_before
from triplegate.stores.memory.cache import MemoryCache
from triplegate.stores.memory.vectors import MemoryVectors
from triplegate.stores.semantic import meaning as module
from triplegate.stores.semantic.meaning import Meaning, answer_text
from triplegate.wire.neutral_events import BlockStart, Delta, Finish

TOPICS = ("password", "invoice", "delivery")


class Topical:
    """Texts of one topic are alike, each a little different; every topic is far from the others."""

    fingerprint, ready, failure = "topical", True, ""

    def begin(self):
        pass

    async def embed(self, text, *, later=False, asker=None):
        vector = np.zeros(40, dtype=np.float32)
        for at, topic in enumerate(TOPICS):
            vector[at] = 3.0 * (topic in text)
        for word in text.split():
            vector[3 + sum(word.encode()) % 37] += 0.12
        return (vector / np.linalg.norm(vector)).astype(np.float32).tobytes()

    async def run(self, work):
        work()


def kept(text, cost=5):
    return Kept([BlockStart(0, "text"), Delta(0, text), Finish("stop")], 0.0, cost, "p/x")


def steps(topic):
    return f"To settle the {topic} open the {topic} page, then choose help and confirm with the green button."


@pytest.fixture
def memory():
    clock = SystemClock()
    kit = make_kit(clock=clock, cache=MemoryCache(clock), vectors=MemoryVectors(clock))
    return Meaning(kit, Topical(), None), kit


def _letter(number):
    return chr(97 + number)


async def ask(made, text, answer, *, scope="s", name="p|team:t|m", by="k"):
    namespace = made.namespace(name, 0.02, 0.02, seed=1)
    looked = await made.look(text, name, namespace, scope, "team:t")
    if looked.decision != "serve":
        await made.learn(looked, text, kept(answer), ["tag"], 60, by)
    return looked


async def taught(made, count=160, **more):
    for number in range(count):
        topic = TOPICS[number % 3]
        await ask(
            made,
            f"How about the {topic} kind word{_letter(number % 23)} thing{_letter(number % 7)}",
            steps(topic),
            **more,
        )


async def test_it_learns_to_answer_what_means_the_same(memory):
    made, _ = memory
    await taught(made)
    looked = await ask(made, "How about the password kind wordf thingg", steps("password"))
    assert looked.decision in ("serve", "audit")
    assert answer_text(await made.answer(looked)) == steps("password")
    told = next(iter(made.namespaces.values())).told()
    assert told.labels > 50
    assert told.hits > 0


async def test_one_topics_answer_is_kept_once(memory):
    made, kit = memory
    await taught(made, 60)
    found = await kit.vectors.near("topical:a:p|team:t|m", await Topical().embed(steps("invoice")), 50)
    assert len({module._answered(one.payload).answer for one in found}) == 3


async def test_scopes_share_nothing(memory):
    made, _ = memory
    await taught(made)
    looked = await ask(made, "How about the password kind wordf thingg", "x", scope="another")
    assert (looked.candidate, looked.decision) == (None, "ask")


async def test_what_is_purged_is_not_told(memory):
    made, kit = memory
    await taught(made)
    namespace = made.namespace("p|team:t|m", 0.02, 0.02)
    looked = await made.look("How about the password kind wordf thingg", "p|team:t|m", namespace, "s", "team:t")
    assert looked.candidate is not None
    await kit.cache.drop_tag("tag")
    assert await made.answer(looked) is None
    await purge(kit.cache)


async def test_a_forbidden_candidate_is_asked_and_told_on_the_page(memory):
    made, _ = memory
    await taught(made)
    looked = await ask(made, "How about no password kind wordf thingg", steps("password"))
    assert (looked.decision, looked.candidate.forbidden) == ("ask", "denial")
    assert next(iter(made.namespaces.values())).vetoes["denial"] >= 1


async def test_a_provider_that_slips_into_another_topic_tells_nothing_of_the_candidate(memory):
    made, _ = memory
    await taught(made)
    namespace = next(iter(made.namespaces.values()))
    before = len(namespace.verdict)
    looked = await made.look("How about the password kind wordj new", "p|team:t|m", namespace, "s", "team:t")
    await made.learn(looked, "How about the password kind wordj new", kept(steps("invoice")), [], 60, "k")
    assert len(namespace.verdict) == before


async def test_a_failed_audit_takes_its_entry_away(memory):
    made, kit = memory
    await taught(made)
    namespace = next(iter(made.namespaces.values()))
    looked = await made.look("How about the password kind wordf thingg", "p|team:t|m", namespace, "s", "team:t")
    audited = msgspec.structs.replace(looked, decision="audit")
    await made.learn(audited, "x", kept("Bake the bread and let it rest on a rack for an hour."), [], 60, "k")
    assert namespace.wrong == 1
    found = await kit.vectors.near(made.questions("s"), looked.vector, 200)
    assert looked.candidate.entry not in {one.name for one in found}


@pytest.mark.parametrize("how", ["tag", "moment"])
async def test_an_answer_that_was_purged_is_not_told_nor_held_against_its_like(memory, how):
    made, kit = memory
    await taught(made)
    namespace = next(iter(made.namespaces.values()))
    before = len(namespace.verdict)
    looked = await made.look("How about the password kind wordf thingg", "p|team:t|m", namespace, "s", "team:t")
    if how == "tag":
        await kit.cache.drop_tag("tag")
    else:
        await purge_before(kit.cache, 10.0)  # they are of second 0
    audited = msgspec.structs.replace(looked, decision="audit")
    await made.learn(audited, "x", kept("Bake the bread and let it rest on a rack for an hour."), [], 60, "k")
    assert await made.answer(looked) is None
    assert (namespace.wrong, len(namespace.verdict)) == (0, before)


async def test_callers_may_say_that_what_they_were_told_was_wrong(memory):
    made, _ = memory
    await taught(made)
    namespace = next(iter(made.namespaces.values()))
    looked = await made.look("How about the password kind wordf thingg", "p|team:t|m", namespace, "s", "team:t")
    entry = looked.candidate.entry
    made.remember_entry(entry, looked)
    assert not await made.feedback(entry, ["team:other"], right=False)
    assert not await made.feedback("unknown", ["team:t"], right=False)
    assert await made.feedback(entry, ["team:t"], right=True)
    assert namespace.wrong == 0
    assert await made.feedback(entry, ["team:t"], right=False)
    assert namespace.wrong == 1
    assert not await made.feedback(entry, ["team:t"], right=False)


async def test_a_key_adds_no_more_than_its_quota(memory, monkeypatch):
    made, kit = memory
    monkeypatch.setattr(module, "_INSERTS", 3)
    await taught(made, 12)
    assert len(await kit.vectors.near("topical:q:s", await Topical().embed("password"), 50)) == 3
    await ask(made, "Another password question entirely", steps("password"), by="other key")
    assert len(await kit.vectors.near("topical:q:s", await Topical().embed("password"), 50)) == 4


async def test_namespaces_are_bounded(memory, monkeypatch):
    made, _ = memory
    monkeypatch.setattr(module, "_NAMESPACES", 2)
    for name in ("a|x|m", "b|x|m", "c|x|m"):
        made.namespace(name, 0.02, 0.02)
    assert list(made.namespaces) == ["b|x|m", "c|x|m"]


async def test_a_first_look_that_finds_nothing_spares_the_better_model(memory):
    _, kit = memory

    class Counting(Topical):
        asked = 0

        async def embed(self, text, *, later=False, asker=None):
            if not later:
                Counting.asked += 1
            return await super().embed(text)

    made = Meaning(kit, Counting(), Topical())
    await ask(made, "How about the password", steps("password"))
    assert Counting.asked == 0
    await ask(made, "How about the invoice", steps("invoice"))
    assert Counting.asked == 0
    await ask(made, "How about the password again", steps("password"))
    assert Counting.asked == 1
    await asyncio.sleep(0)
