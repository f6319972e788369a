"""A gateway of one process with a model that is told what to say, in two dialects, and a sample MCP server."""

import importlib
import itertools
import json

import pytest
from tests.gates.mcp.conftest import ends, house, http, sample, serve  # noqa: F401 - fixtures
from tests.gates.mcp.messages import bearer

from triplegate.samples.http import Answer

_TURNS = itertools.count(1)


def chat(*calls, text="", usage=(7, 3)):
    """What a provider of chat completions answers: calls of functions, or text."""
    message = {"role": "assistant", "content": text or None}
    if calls:
        message["tool_calls"] = [
            {"id": f"call_{number}", "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}
            for number, (name, arguments) in enumerate(calls)
        ]
    used = {"prompt_tokens": usage[0], "completion_tokens": usage[1], "total_tokens": sum(usage)}
    finish = "tool_calls" if calls else "stop"
    choice = {"index": 0, "finish_reason": finish, "message": message}
    return {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": used}


def chat_stream(said):
    """The same as a stream."""
    message, finish = said["choices"][0]["message"], said["choices"][0]["finish_reason"]
    base = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    deltas = [{"role": "assistant"}]
    deltas += [{"content": piece} for piece in (message["content"] or "").partition(" ") if piece]
    for index, call in enumerate(message.get("tool_calls", ())):
        deltas.append({"tool_calls": [call | {"index": index}]})
    chunks = [base | {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas]
    chunks.append(base | {"choices": [{"index": 0, "delta": {}, "finish_reason": finish}]})
    chunks.append(base | {"choices": [], "usage": said["usage"]})
    return b"".join(b"data: %b\n\n" % json.dumps(chunk).encode() for chunk in chunks) + b"data: [DONE]\n\n"


def native(*calls, text=""):
    """What a provider of Responses answers."""
    number = len(calls)
    turn = next(_TURNS)
    output = [{"id": f"rs_{turn}", "type": "reasoning", "summary": []}]
    output += [
        {
            "id": f"fc_{turn}_{place}",
            "type": "function_call",
            "call_id": f"call_{place}",
            "name": name,
            "arguments": json.dumps(arguments),
            "status": "completed",
        }
        for place, (name, arguments) in enumerate(calls)
    ]
    if text:
        part = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
        item = {"id": f"msg_{turn}", "type": "message", "role": "assistant", "status": "completed", "content": [part]}
        output.append(item)
    usage = {
        "input_tokens": 7,
        "input_tokens_details": {"cached_tokens": 1, "cache_write_tokens": 0},
        "output_tokens": 3,
        "output_tokens_details": {"reasoning_tokens": 1},
        "total_tokens": 10,
    }
    return {
        "id": f"resp_{number}",
        "object": "response",
        "created_at": 1,
        "status": "completed",
        "model": "n-1",
        "output": output,
        "usage": usage,
        "error": None,
        "incomplete_details": None,
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
    }


def native_stream(said):
    """The same as a stream."""
    events = [("response.created", {"response": {**said, "status": "in_progress", "output": []}})]
    for place, item in enumerate(said["output"]):
        where = {"output_index": place}
        begun = item if item["type"] != "function_call" else item | {"arguments": "", "status": "in_progress"}
        begun = begun if item["type"] != "message" else begun | {"content": [], "status": "in_progress"}
        events.append(("response.output_item.added", {**where, "item": begun}))
        its = {**where, "item_id": item["id"]}
        if item["type"] == "function_call":
            events.append(("response.function_call_arguments.delta", {**its, "delta": item["arguments"]}))
            events.append(("response.function_call_arguments.done", {**its, "arguments": item["arguments"]}))
        if item["type"] == "message":
            part = item["content"][0]
            events.append(("response.content_part.added", {**its, "content_index": 0, "part": part | {"text": ""}}))
            events.append(
                ("response.output_text.delta", {**its, "content_index": 0, "delta": part["text"], "logprobs": []})
            )
            events.append(("response.content_part.done", {**its, "content_index": 0, "part": part}))
        events.append(("response.output_item.done", {**where, "item": item}))
    events.append(("response.completed", {"response": said}))
    return b"".join(
        b"event: %b\ndata: %b\n\n"
        % (kind.encode(), json.dumps({"type": kind, "sequence_number": number, **event}).encode())
        for number, (kind, event) in enumerate(events)
    )


def claude(*calls, text=""):
    """What Anthropic answers."""
    content = [{"type": "text", "text": text}] if text else []
    content += [
        {"type": "tool_use", "id": f"toolu_{place}", "name": name, "input": arguments}
        for place, (name, arguments) in enumerate(calls)
    ]
    why = "tool_use" if calls else "end_turn"
    used = {"input_tokens": 7, "output_tokens": 3}
    head = {"id": "msg_c", "type": "message", "role": "assistant", "model": "c-1"}
    return {**head, "content": content, "stop_reason": why, "stop_sequence": None, "usage": used}


def claude_stream(said):
    """The same as a stream."""
    events = [{"type": "message_start", "message": said | {"content": [], "stop_reason": None}}]
    for index, block in enumerate(said["content"]):
        if block["type"] == "text":
            begun, delta = block | {"text": ""}, {"type": "text_delta", "text": block["text"]}
        else:
            begun = block | {"input": {}}
            delta = {"type": "input_json_delta", "partial_json": json.dumps(block["input"])}
        events.append({"type": "content_block_start", "index": index, "content_block": begun})
        events.append({"type": "content_block_delta", "index": index, "delta": delta})
        events.append({"type": "content_block_stop", "index": index})
    ended = {"stop_reason": said["stop_reason"], "stop_sequence": None}
    events += [{"type": "message_delta", "delta": ended, "usage": said["usage"]}, {"type": "message_stop"}]
    return b"".join(b"event: %b\ndata: %b\n\n" % (one["type"].encode(), json.dumps(one).encode()) for one in events)


_SPOKEN = {
    "openai_chat": (chat, chat_stream),
    "openai_responses": (native, native_stream),
    "anthropic_messages": (claude, claude_stream),
}


class Model:
    """A provider of either dialect that says what it is told to, turn by turn."""

    def __init__(self, dialect):
        self.dialect, self.turns, self.asked = dialect, [], []
        self.more = {}
        """Members of each answer."""
        self.other = None
        """Answers what is no POST."""

    def calls(self, *calls):
        self.turns.append(calls)
        return self

    def says(self, text):
        self.turns.append(text)
        return self

    async def __call__(self, request):
        if request.method != "POST":
            return await self.other(request)
        asked = json.loads(await request.body())
        self.asked.append(asked)
        turn = self.turns.pop(0) if len(self.turns) > 1 else self.turns[0]
        if isinstance(turn, Answer):
            return turn
        if callable(turn):
            turn = await turn()
        make, stream = _SPOKEN[self.dialect]
        said = (make(text=turn) if isinstance(turn, str) else make(*turn)) | self.more
        return Answer(stream(said), content_type="text/event-stream") if asked.get("stream") else Answer.json(said)

    def results(self):
        """What the model was told of its calls, in its last turn."""
        if self.dialect == "openai_chat":
            return [one["content"] for one in self.asked[-1]["messages"] if one["role"] == "tool"]
        if self.dialect == "anthropic_messages":
            told = [block for one in self.asked[-1]["messages"] if one["role"] == "user" for block in one["content"]]
            return [_said(block["content"]) for block in told if block["type"] == "tool_result"]
        return [one["output"] for one in self.asked[-1]["input"] if one.get("type") == "function_call_output"]

    def functions(self, turn=0):
        """The functions it was offered."""
        tools = self.asked[turn].get("tools", [])
        return [one["function"]["name"] if "function" in one else one["name"] for one in tools]


def _said(content):
    return content if isinstance(content, str) else content[0]["text"]


DOCUMENTS = """
providers:
  far: {{base_url: "{far}/v1", dialect: {dialect}}}
models: {{m: {{deployments: [{{provider: far, model: m, key: "env:K", price: {{input: 1, output: 2}}}}] {model}}}}}
servers:
  orders: {{url: "{mcp}/mcp", price: 0.001{orders}}}
  hidden: {{url: "{mcp}/mcp", teams: [lab]}}
virtual_servers: {{two: {{tools: ["orders__echo", "orders__add"]}}}}
{more}
"""


class Place:
    """A gateway, its model and a client."""

    def __init__(self, house, model, http):  # noqa: F811 - fixtures
        self.house, self.model, self.http = house, model, http
        self.events = []

    async def send(self, tools=({},), **more):
        """One call; each tool with what is said of it, on top of the usual."""
        usual = {"type": "mcp", "server_label": "orders", "require_approval": "never"}
        written = [{**usual, **tool} if tool.get("type", "mcp") == "mcp" else tool for tool in tools]
        asked = {"model": "m", "input": "Echo hi.", "tools": written, **more}
        return await self.http.post(f"{self.house.url}/v1/responses", json=asked)

    async def ask(self, tools=({},), **more):
        """The response, from its last event where it streams."""
        answer = await self.send(tools, **more)
        assert answer.status_code == 200, answer.text
        if not more.get("stream"):
            return answer.json()
        blocks = [block.split("\n") for block in answer.text.split("\n\n") if block]
        self.events = [json.loads(data.removeprefix("data: ")) for _, data in blocks]
        assert [name.removeprefix("event: ") for name, _ in blocks] == [event["type"] for event in self.events]
        assert [event["sequence_number"] for event in self.events] == list(range(len(self.events)))
        return self.events[-1]["response"]

    async def refusal(self, *tools, **more):
        """Status, code and text of a call that is refused."""
        answer = await self.send(tools, **more)
        error = answer.json()["error"]
        return answer.status_code, error["code"], error["message"]


@pytest.fixture
def place(house, sample, serve, http):  # noqa: F811 - fixtures
    """Start one: dialect of the model's provider, more documents."""
    importlib.import_module("triplegate.gateway")  # what is imported once is no part of the test's time
    importlib.import_module("triplegate.policies").registry()

    async def start(dialect="openai_chat", more="", model="", orders="", **given):
        told = Model(dialect)
        far, mcp = await serve(told), await sample()
        text = DOCUMENTS.format(far=far.url, mcp=mcp.url, dialect=dialect, more=more, model=model, orders=orders)
        made = await house(text, secrets={"env:K": "k"}, **given)
        http.headers.update(bearer(made.key()))
        return Place(made, told, http)

    return start


def texts(answer):
    """What the answer says."""
    return [item["content"][0]["text"] for item in answer["output"] if item["type"] == "message"]


def items(answer, *kinds):
    """Its items of these types."""
    return [item for item in answer["output"] if item["type"] in kinds]
