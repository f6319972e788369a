"""What the source of each provider dialect says it loses: read from the code, so that nothing is lost undeclared."""

import ast
import inspect
from collections.abc import Iterator
from types import FunctionType, ModuleType

from triplegate.wire import (
    anthropic_asking,
    anthropic_turns,
    bedrock_media,
    bedrock_messages,
    bedrock_request,
    bedrock_thinking,
    cohere_messages,
    cohere_request,
    custom_tools,
    gemini_contents,
    gemini_request,
    openai_parts,
    openai_turns,
    openai_writing,
    responses_turns,
    responses_writing,
    tool_arguments,
)

WRITERS: dict[str, tuple[ModuleType | FunctionType, ...]] = {
    "openai_chat": (openai_writing, openai_turns, openai_parts),
    "openai_responses": (responses_writing, responses_turns, openai_parts, openai_writing.effort),
    "anthropic_messages": (anthropic_asking, anthropic_turns, custom_tools, tool_arguments),
    "gemini": (gemini_request, gemini_contents, custom_tools, tool_arguments),
    "bedrock_converse": (
        bedrock_request,
        bedrock_messages,
        bedrock_media,
        bedrock_thinking,
        custom_tools,
        tool_arguments,
    ),
    "cohere": (cohere_request, cohere_messages, custom_tools, tool_arguments),
}
_MEDIA = {"audio", "file", "image", "video"}
_THINKING = {"reasoning", "reasoning_effort", "thinking"}
_STARS = {"lose_tool": "tools.*", "lose_content": "content.*"}


def named(dialect: str) -> set[str]:
    """Every name that the writer of the dialect can lose."""
    return {name for source in WRITERS[dialect] for name in _names(ast.parse(inspect.getsource(source)))}


def _names(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.AnnAssign) and "LossName" in ast.unparse(node.annotation):
            assert isinstance(node.value, ast.Dict)
            yield from [key.value for key in node.value.keys]
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        if node.func.attr in _STARS:
            yield _STARS[node.func.attr]
        elif node.func.attr == "lose":
            yield from _said(node.args[0])


def _said(name: ast.expr) -> Iterator[str]:
    """The names an expression can be."""
    found = [each.value for each in ast.walk(name) if isinstance(each, ast.Constant) and isinstance(each.value, str)]
    if isinstance(name, ast.Attribute):
        assert name.attr == "kind", ast.unparse(name)
        found += _MEDIA
    elif isinstance(name, ast.Call):
        assert name.func.id == "thinking_name", ast.unparse(name)
        found += _THINKING
    assert found, ast.unparse(name)
    yield from found
