"""Calls through the gateway by LangChain's chat models; prints one JSON line. Arguments: url, key, models."""

import json
import sys

import anthropic
import openai
from langchain_anthropic import ChatAnthropic
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI

URL, KEY, *MODELS = sys.argv[1:]


@tool
def get_weather(city: str) -> str:
    """The weather in a city."""
    return f"21 degrees in {city}"


def text(message):
    content = message.content
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)


def whole(pieces):
    """Chunks added up, as LangChain itself does."""
    total = None
    for piece in pieces:
        total = piece if total is None else total + piece
    return total


def told(message):
    usage = message.usage_metadata or {}
    return {"text": text(message), "usage": [usage.get("input_tokens"), usage.get("output_tokens")]}


def loop(ask):
    """The model asks for the tool, is told what it said, and answers."""
    turns = [HumanMessage("What is the weather in Paris?")]
    asked = ask(turns)
    (call,) = asked.tool_calls
    turns += [asked, ToolMessage(get_weather.invoke(call["args"]), tool_call_id=call["id"])]
    return {"call": [call["name"], call["args"]], **told(ask(turns))}


def client(dialect, key, model):
    once = {"api_key": key, "max_retries": 0, "timeout": 20}
    if dialect == "messages":
        return ChatAnthropic(model_name=model, base_url=URL, **once)
    responses = dialect == "responses"
    return ChatOpenAI(model=model, base_url=f"{URL}/v1", use_responses_api=responses, stream_usage=True, **once)


def status(model):
    try:
        model.invoke("hello")
    except (anthropic.APIStatusError, openai.APIStatusError) as error:
        return error.status_code
    return 200


said = {}
for dialect in ("chat", "responses", "messages"):
    for name in MODELS:
        model = client(dialect, KEY, name)
        tooled = model.bind_tools([get_weather])
        said[f"{dialect} {name}"] = {
            "whole": told(model.invoke("hello")),
            "stream": told(whole(model.stream("hello"))),
            "tools": loop(tooled.invoke),
            "tools stream": loop(lambda turns, tooled=tooled: whole(tooled.stream(turns))),
            "refused": status(client(dialect, "tg_no", name)),
        }
print(json.dumps(said))
