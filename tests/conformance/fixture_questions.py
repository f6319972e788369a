"""The part of the conformance fixture that asks its clients: forms, and tools that answer `input_required`."""

import json
from typing import Any

from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.prompts import base as prompts
from mcp.shared.message import ServerMessageMetadata
from mcp_types import (
    CreateMessageRequest,
    CreateMessageRequestParams,
    CreateMessageResult,
    ElicitRequest,
    ElicitRequestFormParams,
    ElicitResult,
    InputRequiredResult,
    ListRootsRequest,
    SamplingMessage,
    TextContent,
)

MODERN = "2026-07-28"


def form(required: tuple[str, ...] = (), **properties: dict[str, Any]) -> dict[str, Any]:
    """A form with these fields; all are required unless they have a default or it says which."""
    needed = required or tuple(name for name, field in properties.items() if "default" not in field)
    return {"type": "object", "properties": properties, "required": list(needed)}


DEFAULTS: dict[str, dict[str, Any]] = {
    "name": {"type": "string", "description": "User name", "default": "John Doe"},
    "age": {"type": "integer", "description": "User age", "default": 30},
    "score": {"type": "number", "description": "User score", "default": 95.5},
    "status": {"type": "string", "enum": ["active", "inactive", "pending"], "default": "active"},
    "verified": {"type": "boolean", "description": "Verification status", "default": True},
}


def _titled(*values: str) -> list[dict[str, str]]:
    return [{"const": value, "title": value.capitalize()} for value in values]


CHOICES: dict[str, dict[str, Any]] = {
    "untitledSingle": {"type": "string", "enum": ["active", "inactive", "pending"]},
    "titledSingle": {"type": "string", "oneOf": _titled("low", "medium", "high")},
    "untitledMulti": {"type": "array", "items": {"type": "string", "enum": ["read", "write", "execute"]}},
    "titledMulti": {"type": "array", "items": {"anyOf": _titled("feature", "bug", "docs")}},
    "legacyEnum": {
        "type": "string",
        "enum": ["small", "medium", "large"],
        "enumNames": ["Small", "Medium", "Large"],
    },
}
SCHEMA_2020_12: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "$defs": {
        "address": {
            "$anchor": "addressDef",
            "type": "object",
            "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
        }
    },
    "properties": {
        "name": {"type": "string"},
        "address": {"$ref": "#/$defs/address"},
        "contactMethod": {"type": "string", "enum": ["phone", "email"]},
        "phone": {"type": "string"},
        "email": {"type": "string"},
    },
    "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
    "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
    "then": {"required": ["phone"]},
    "else": {"required": ["email"]},
    "additionalProperties": False,
}
NAME = form(name={"type": "string"})
OK = form(ok={"type": "boolean"})


def ask_user(message: str, schema: dict[str, Any]) -> ElicitRequest:
    """A form for the user."""
    return ElicitRequest(params=ElicitRequestFormParams(message=message, requested_schema=schema))


def ask_model(question: str, tokens: int) -> CreateMessageRequest:
    """A question for the client's model."""
    asked = [SamplingMessage(role="user", content=TextContent(type="text", text=question))]
    return CreateMessageRequest(params=CreateMessageRequestParams(messages=asked, max_tokens=tokens))


def needed(state: str | None = None, **requests: Any) -> InputRequiredResult:
    """The answer of a call that cannot go on alone."""
    return InputRequiredResult(input_requests=requests or None, request_state=state)


def answers(ctx: Context[Any, Any]) -> dict[str, Any]:
    """What the client answered, as it stands on the wire."""
    given = ctx.input_responses or {}
    return {name: answer.model_dump(by_alias=True, mode="json") for name, answer in given.items()}


def entered(answer: Any, name: str) -> str | None:
    """A field of an accepted form, when it is there and text."""
    if not isinstance(answer, dict) or answer.get("action") != "accept":
        return None
    value = (answer.get("content") or {}).get(name)
    return value if isinstance(value, str) else None


def confirmed(answer: Any) -> bool:
    """Whether a form was accepted with its one tick."""
    return isinstance(answer, dict) and isinstance((answer.get("content") or {}).get("ok"), bool)


# questions in the middle of a call: a request of the server until 2025-11-25, `input_required` from 2026-07-28 on
async def answer_to(ctx: Context[Any, Any], asked: ElicitRequest | CreateMessageRequest) -> dict[str, Any] | None:
    """The client's answer; None when it has to be waited for with `input_required`."""
    if ctx.protocol_version == MODERN:
        return answers(ctx).get("asked")
    kind = ElicitResult if isinstance(asked, ElicitRequest) else CreateMessageResult
    own_stream = ServerMessageMetadata(related_request_id=ctx.request_id)
    given = await ctx.session.send_request(asked, kind, metadata=own_stream)
    return given.model_dump(by_alias=True, mode="json")


async def test_sampling(prompt: str, ctx: Context) -> TextContent | InputRequiredResult:
    """Ask the client's model."""
    asked = ask_model(prompt, 100)
    answer = await answer_to(ctx, asked)
    if answer is None:
        return needed(asked=asked)
    said = answer.get("content")
    return TextContent(type="text", text=f"LLM response: {said.get('text') if isinstance(said, dict) else said}")


async def _ask(ctx: Context[Any, Any], asked: ElicitRequest, told: str) -> TextContent | InputRequiredResult:
    answer = await answer_to(ctx, asked)
    if answer is None:
        return needed(asked=asked)
    entered = json.dumps(answer.get("content") or {})
    return TextContent(type="text", text=f"{told}: action={answer.get('action')}, content={entered}")


async def test_elicitation(message: str, ctx: Context) -> TextContent | InputRequiredResult:
    """Ask the user for a word."""
    return await _ask(ctx, ask_user(message, form(response={"type": "string"})), "User response")


async def test_elicitation_sep1034_defaults(ctx: Context) -> TextContent | InputRequiredResult:
    """Ask with defaults of every kind."""
    asked = ask_user("Please review and update the form fields with defaults", form(**DEFAULTS))
    return await _ask(ctx, asked, "Elicitation result")


async def test_elicitation_sep1330_enums(ctx: Context) -> TextContent | InputRequiredResult:
    """Ask with choices of every kind."""
    asked = ask_user("Please select options from the enum fields", form(**CHOICES))
    return await _ask(ctx, asked, "Elicitation completed")


async def test_streaming_elicitation(ctx: Context) -> TextContent | InputRequiredResult:
    """Tell the progress, then ask: on the stream of its call stand notifications and one answer."""
    await ctx.report_progress(1, 2, "About to ask")
    return await _ask(ctx, ask_user("Please confirm", OK), "User response")


ASK_NAME = "What is your name?"


async def test_input_required_result_elicitation(ctx: Context) -> TextContent | InputRequiredResult:
    """Ask for a name."""
    name = entered(answers(ctx).get("user_name"), "name")
    if name is None:
        return needed(user_name=ask_user(ASK_NAME, NAME))
    return TextContent(type="text", text=f"Hello, {name}!")


async def test_input_required_result_sampling(ctx: Context) -> TextContent | InputRequiredResult:
    """Ask the client's model."""
    answer = answers(ctx).get("capital_question")
    if not answer or "content" not in answer:
        return needed(capital_question=ask_model("What is the capital of France?", 100))
    said = answer["content"]
    return TextContent(type="text", text=f"Model said: {said.get('text', '') if isinstance(said, dict) else said}")


async def test_input_required_result_list_roots(ctx: Context) -> TextContent | InputRequiredResult:
    """Ask for the client's roots."""
    answer = answers(ctx).get("client_roots")
    if not answer or "roots" not in answer:
        return needed(client_roots=ListRootsRequest())
    return TextContent(type="text", text=f"Client exposed {len(answer['roots'])} root(s).")


async def test_input_required_result_request_state(ctx: Context) -> TextContent | InputRequiredResult:
    """Ask for a tick and know the question again by its state."""
    if ctx.request_state != "confirming" or not confirmed(answers(ctx).get("confirm")):
        return needed("confirming", confirm=ask_user("Please confirm", OK))
    return TextContent(type="text", text="state-ok: confirmation received")


async def test_input_required_result_multiple_inputs(ctx: Context) -> TextContent | InputRequiredResult:
    """Ask three things at once."""
    given = answers(ctx)
    if not {"user_name", "greeting", "client_roots"} <= given.keys():
        return needed(
            "three",
            user_name=ask_user(ASK_NAME, NAME),
            greeting=ask_model("Generate a greeting", 50),
            client_roots=ListRootsRequest(),
        )
    return TextContent(type="text", text="All inputs received.")


async def test_input_required_result_multi_round(ctx: Context) -> TextContent | InputRequiredResult:
    """Ask twice, one after the other."""
    state = json.loads(ctx.request_state or "{}")
    given = answers(ctx)
    if state.get("round") == 2 and (color := entered(given.get("step2"), "color")):
        return TextContent(type="text", text=f"{state['name']} likes {color}.")
    if state.get("round") == 1 and (name := entered(given.get("step1"), "name")):
        asked = ask_user(f"Hello, {name}. What is your favourite colour?", form(color={"type": "string"}))
        return needed(json.dumps({"round": 2, "name": name}), step2=asked)
    return needed(json.dumps({"round": 1}), step1=ask_user(ASK_NAME, NAME))


async def test_input_required_result_tampered_state(ctx: Context) -> TextContent | InputRequiredResult:
    """Ask with a state that nobody may change; the SDK refuses a changed one."""
    if ctx.request_state is None or not confirmed(answers(ctx).get("confirm")):
        return needed("untouched", confirm=ask_user("Please confirm", OK))
    return TextContent(type="text", text="state-ok: the state came back as it was")


async def test_input_required_result_capabilities(ctx: Context) -> TextContent | InputRequiredResult:
    """Ask only what this client can answer."""
    able = ctx.client_capabilities
    asked: dict[str, Any] = {}
    if able is not None and able.sampling is not None:
        asked["sample"] = ask_model("Say something", 50)
    if able is not None and able.elicitation is not None:
        asked["ask"] = ask_user(ASK_NAME, NAME)
    if not asked or asked.keys() <= answers(ctx).keys():
        return TextContent(type="text", text="Nothing more to ask.")
    return needed(**asked)


async def test_input_required_result_prompt(ctx: Context) -> list[prompts.Message] | InputRequiredResult:
    """A prompt that asks what it is about."""
    about = entered(answers(ctx).get("user_context"), "context")
    if about is None:
        asked = ask_user("What context should the prompt use?", form(context={"type": "string"}))
        return needed(user_context=asked)
    return [prompts.UserMessage(f"Use the following context: {about}")]


def register(server: MCPServer[Any]) -> None:
    """Give a server these tools and this prompt."""
    for tool in (
        test_sampling,
        test_elicitation,
        test_elicitation_sep1034_defaults,
        test_elicitation_sep1330_enums,
        test_streaming_elicitation,
        test_input_required_result_elicitation,
        test_input_required_result_sampling,
        test_input_required_result_list_roots,
        test_input_required_result_request_state,
        test_input_required_result_multiple_inputs,
        test_input_required_result_multi_round,
        test_input_required_result_tampered_state,
        test_input_required_result_capabilities,
    ):
        server.add_tool(tool, structured_output=False)
    server.add_prompt(prompts.Prompt.from_function(test_input_required_result_prompt))
