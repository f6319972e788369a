"""How much a model on Bedrock may think: each vendor's models take it under other names."""

import re
from typing import Any

from triplegate.wire.codec import Losses, thinking_name
from triplegate.wire.neutral import Request, Thinking

_CLAUDE = re.compile(r"claude-(?:[a-z]+-)?(\d{1,2})(?:-(\d{1,2})(?!\d))?")
_BUDGETS = {"minimal": 1024, "low": 2048, "medium": 8192, "high": 16384}
"""Tokens for efforts, where a model takes tokens; what is above high is 32768."""
_MOST = 32768
_LEAST = 1024
"""What Claude thinks at least, if it does."""
_LEVELS = {"minimal": "low", "low": "low", "medium": "medium", "high": "high"}

EFFORT = "effort"
"""Of what `fields` says, the one member that belongs to `outputConfig`."""


def fields(request: Request, vendor: str, model: str, thoughtless: bool, losses: Losses) -> dict[str, Any]:
    """Members of `additionalModelRequestFields`, and maybe EFFORT; empty where nothing is to be said.

    `thoughtless`: a call is under way without thoughts, behind which Claude with a budget refuses to think.
    """
    thinking = request.thinking
    if thinking is None or not (thinking.effort or thinking.budget is not None):
        return {}
    off = thinking.effort == "none" or thinking.budget == 0
    if vendor == "anthropic":
        return {} if off else _claude(request, thinking, model, thoughtless, losses)
    if vendor == "openai":
        return {"reasoning_effort": "low" if off else _three(thinking)}
    if vendor == "amazon" and "nova-2" in model:
        if off:
            return {"reasoningConfig": {"type": "disabled"}}
        return {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": _three(thinking)}}
    if not off:
        losses.lose(thinking_name(request.dialect), "the model cannot be told how much to think")
    return {}


def _claude(request: Request, thinking: Thinking, model: str, thoughtless: bool, losses: Losses) -> dict[str, Any]:
    found = _CLAUDE.search(model)
    version = (int(found[1]), int(found[2] or 0)) if found is not None else (0, 0)
    if request.tool_choice is not None and request.tool_choice.mode in ("required", "named"):
        losses.lose(thinking_name(request.dialect), "a model that must call a tool cannot think before")
        return {}
    if version >= (4, 6):
        return {"thinking": {"type": "adaptive"}, EFFORT: _effort(thinking, version)}
    budget = thinking.budget if thinking.budget is not None else _BUDGETS.get(thinking.effort, _MOST)
    budget = max(budget, _LEAST)
    if request.max_tokens is not None and budget >= request.max_tokens:
        budget = request.max_tokens - 1
    if thoughtless or budget < _LEAST:
        losses.lose(
            thinking_name(request.dialect),
            "the last turn began without thoughts" if thoughtless else "max_tokens is too small",
        )
        return {}
    return {"thinking": {"type": "enabled", "budget_tokens": budget}}


def _effort(thinking: Thinking, version: tuple[int, int]) -> str:
    if thinking.effort in ("xhigh", "max"):
        return thinking.effort if thinking.effort == "max" or version >= (4, 7) else "max"
    return _three(thinking)


def _three(thinking: Thinking) -> str:
    if thinking.effort:
        return _LEVELS.get(thinking.effort, "high")
    budget = thinking.budget if thinking.budget is not None and thinking.budget > 0 else _MOST
    return next((level for level in ("low", "medium") if budget <= _BUDGETS[level]), "high")
