"""Calls of marked tools wait for a person's yes: the caller's own, asked by elicitation, or an admin's."""

from collections.abc import Awaitable, Callable, Mapping

import msgspec

from triplegate.config.documents_approval import ApprovalRule
from triplegate.core.approvals import Approval
from triplegate.core.errors import Refusal
from triplegate.core.exchange import Exchange
from triplegate.core.http import Reply
from triplegate.core.ports import Kit
from triplegate.gates.mcp.call import Item, McpCall
from triplegate.gates.mcp.questions import Given, Question, Questions, can_ask, read_answer
from triplegate.gates.mcp.talking import Asking, TalkFrames, talk_reply
from triplegate.wire.hidden import visible
from triplegate.wire.json_members import encode
from triplegate.wire.jsonrpc import write_result

_KEY = "approval:"
_SHOWN = 4_000
"""Characters of the arguments that are shown to whoever decides."""
_SCHEMA = {
    "type": "object",
    "properties": {"approve": {"type": "boolean", "title": "Approve", "description": "Let this call be made."}},
    "required": ["approve"],
}

Then = Callable[[McpCall], Awaitable[Reply]]


class Approving:
    """Asks, notes, and lets the call go on or not."""

    __slots__ = ("_kit", "_questions")

    def __init__(self, kit: Kit, questions: Questions) -> None:
        self._kit, self._questions = kit, questions

    async def ask(self, exchange: Exchange, call: McpCall, item: Item, rule: ApprovalRule, then: Then) -> Reply:
        """The reply of `then` once the call is approved; until then a reply that asks or waits.

        Raises Refusal approval_declined, approval_unavailable, rpc_missing_capability.
        """
        number = next((key.removeprefix(_KEY) for key in call.given if key.startswith(_KEY)), "")
        if not number:
            if rule.by == "caller" and not can_ask(call):
                raise Refusal(
                    "rpc_missing_capability",
                    "This tool needs the user's approval: the client must declare the capability elicitation.",
                    payload={"requiredCapabilities": {"elicitation": {}}},
                )
            number = await self._begin(exchange, call, item, rule)
        question = Question(_KEY + number, _params(call, item), box=number)
        if rule.by == "admin" and question.key not in call.given:
            return self._wait(exchange, call, question, rule, then)

        async def answered(given: Given) -> Reply:
            await self._decide(exchange, call, number, given)
            return await then(call)

        return await self._questions.ask(exchange, call, question, answered, rule.within)

    async def _begin(self, exchange: Exchange, call: McpCall, item: Item, rule: ApprovalRule) -> str:
        """Note the question; its id."""
        kit, who = self._kit, exchange.principal
        assert who is not None
        asked, number = kit.clock.wall(), exchange.id
        shown = _arguments(call) if rule.by == "admin" else ""
        names = (item.server.name, item.name, who.org, who.team, who.consumer, who.key_id)
        approval = Approval(number, *names, exchange.arguments, shown, rule.by, asked, asked + rule.within)
        if kit.approvals is None or not await kit.approvals.begin(approval):
            raise Refusal("approval_unavailable", "Nobody can be asked to approve this call now.", retry_after=10.0)
        if call.era == "legacy" or rule.by == "admin":
            exchange.on_close(lambda _: self._over(number))
        return number

    def _over(self, number: str) -> None:
        """The call has ended: if nobody has decided by now, nobody will."""
        assert self._kit.approvals is not None
        try:
            self._kit.supervisor.spawn(_expire(self._kit.approvals.decide(number, "expired", "")), "approval expires")
        except Refusal:
            return  # its time will pass all the same

    async def _decide(self, exchange: Exchange, call: McpCall, number: str, given: Given) -> None:
        """What the caller answered. Raises Refusal approval_declined."""
        who, approvals = exchange.principal, self._kit.approvals
        assert who is not None
        assert approvals is not None
        yes = given.action == "accept" and given.content.get("approve") is True
        actor = f"{who.team_ref}/{who.consumer} {who.key_id}".rstrip()
        noted = await approvals.decide(number, "approved" if yes else "declined", actor)
        if yes and not noted and _goes_on(call):
            noted = await approvals.is_approved(number, exchange.arguments)
        if not yes:
            raise Refusal("approval_declined", "The call was declined.")
        if not noted:
            raise Refusal("approval_declined", "The approval came too late, or was used before.")

    def _wait(self, exchange: Exchange, call: McpCall, question: Question, rule: ApprovalRule, then: Then) -> Reply:
        """A stream that says nothing until an admin has decided, on whatever node."""
        kit = self._kit

        async def go_on(answers: Mapping[str, bytes]) -> Reply:
            raw = answers[question.key]
            given = read_answer(question, raw)
            if given is None or given.content.get("approve") is not True:
                raise Refusal("approval_declined", "The call was declined.")
            return await then(msgspec.structs.replace(call, given={**call.given, question.key: raw}))

        waiting = _Waiting(kit, question, kit.clock.now() + rule.within)
        return talk_reply(TalkFrames(kit.clock, waiting, go_on))


class _Waiting(Asking):
    """An admin is asked: the client is sent nothing but signs of life."""

    __slots__ = ("_ends", "_now")

    def __init__(self, kit: Kit, question: Question, until: float) -> None:
        super().__init__(kit.mailbox, question.box, {question.key: (encode(question.box), b"")}, until + 60.0)
        self._now, self._ends = kit.clock.now, until
        self.events = b""

    async def wait(self, seconds: float) -> Mapping[str, bytes] | None:
        """The decision. Raises Refusal approval_expired."""
        left = self._ends - self._now()
        if left <= 0:
            raise Refusal("approval_expired", "Nobody approved the call in time.")
        return await super().wait(min(seconds, left))


def decision(number: str, *, approve: bool) -> bytes:
    """What is left in the box of a call that waits."""
    given = {"action": "accept", "content": {"approve": True}} if approve else {"action": "decline"}
    return write_result(encode(number), encode(given))


def _goes_on(call: McpCall) -> bool:
    """Whether the server asked something meanwhile: the call that was approved is made once more with the answer."""
    return "requestState" in call.params or "inputResponses" in call.params


async def _expire(decided: Awaitable[bool]) -> None:
    await decided


def _params(call: McpCall, item: Item) -> bytes:
    message = f"Allow a call of {visible(item.name)} with these arguments?\n{_arguments(call)}"
    return encode({"message": message, "requestedSchema": _SCHEMA})


def _arguments(call: McpCall) -> str:
    text = bytes(call.params.get("arguments", b"{}")).decode("utf-8", "replace")
    return visible(text[:_SHOWN]) + ("…" if len(text) > _SHOWN else "")
