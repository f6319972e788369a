"""Every histogram and counter by name: units, meaning, labels, bounds; by the OpenTelemetry semantic conventions."""

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
"""Bucket bounds of HTTP durations (OpenTelemetry semantic conventions, http.server.request.duration)."""
LAG_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5)
"""Bucket bounds of the event loop's lag; 20 ms is what it is promised to keep."""
MODEL_SECONDS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
"""Bucket bounds of model calls (gen_ai.client.operation.duration)."""
PIECE_SECONDS = (0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5)
"""Bucket bounds of the time between two pieces (gen_ai.server.time_per_output_token)."""
FIRST_TOKEN_SECONDS = (0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
"""Bucket bounds of gen_ai.server.time_to_first_token."""
TOKENS = tuple(4**power for power in range(14))
"""Bucket bounds of token counts (gen_ai.client.token.usage)."""
TOOL_SECONDS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300)
"""Bucket bounds of MCP operations (mcp.server.operation.duration)."""

_ROUTE = ("triplegate.gate", "http.route")
_MODEL = ("gen_ai.operation.name", "gen_ai.provider.name", "gen_ai.request.model")
_TEAM = ("triplegate.org", "triplegate.team")
_ATTEMPT = ("triplegate.upstream", "triplegate.attempt.role", "http.response.status_code", "error.type")

HISTOGRAMS: tuple[tuple[str, str, str, str, tuple[str, ...], tuple[float, ...]], ...] = (
    # attribute, name, unit, meaning, labels, bounds; names by the OpenTelemetry semantic conventions
    (
        "server",
        "http.server.request.duration",
        "s",
        "Time from the head of the request to the end of the answer.",
        (*_ROUTE, "http.request.method", "http.response.status_code"),
        SECONDS,
    ),
    ("overhead", "triplegate.overhead.duration", "s", "Time spent in the gateway itself.", _ROUTE[:1], SECONDS),
    ("client", "http.client.request.duration", "s", "Time of one attempt at an upstream.", _ATTEMPT, SECONDS),
    (
        "model_tokens",
        "gen_ai.client.token.usage",
        "{token}",
        "Tokens of one model call.",
        (*_MODEL, "gen_ai.token.type"),
        TOKENS,
    ),
    (
        "model_seconds",
        "gen_ai.client.operation.duration",
        "s",
        "Time of one attempt of a model call.",
        (*_MODEL, "error.type"),
        MODEL_SECONDS,
    ),
    (
        "first_chunk",
        "gen_ai.client.operation.time_to_first_chunk",
        "s",
        "Time from an attempt's begin to the first content of its stream.",
        _MODEL,
        MODEL_SECONDS,
    ),
    (
        "chunk_seconds",
        "gen_ai.client.operation.time_per_output_chunk",
        "s",
        "Time between two pieces of content of a stream.",
        _MODEL,
        PIECE_SECONDS,
    ),
    (
        "served",
        "gen_ai.server.request.duration",
        "s",
        "Time of one model call as its client had it, all attempts together.",
        (*_MODEL, "error.type"),
        MODEL_SECONDS,
    ),
    (
        "first_token",
        "gen_ai.server.time_to_first_token",
        "s",
        "Time from the call's head to the first byte of its streamed answer.",
        _MODEL,
        FIRST_TOKEN_SECONDS,
    ),
    (
        "token_seconds",
        "gen_ai.server.time_per_output_token",
        "s",
        "Time per token of a streamed answer after its first.",
        _MODEL,
        PIECE_SECONDS,
    ),
    (
        "tool_seconds",
        "mcp.server.operation.duration",
        "s",
        "Time of one MCP operation.",
        ("mcp.method.name", "gen_ai.tool.name", "error.type"),
        TOOL_SECONDS,
    ),
    (
        "tool_client_seconds",
        "mcp.client.operation.duration",
        "s",
        "Time of one attempt of an MCP operation at its server.",
        ("mcp.method.name", "gen_ai.tool.name", "error.type"),
        TOOL_SECONDS,
    ),
    ("loop_lag", "triplegate.loop.lag", "s", "How late the event loop ran a timer.", (), LAG_SECONDS),
)
COUNTERS: tuple[tuple[str, str, str, str, tuple[str, ...], int], ...] = (
    # attribute, name, unit, meaning, labels, scale
    ("refusals", "triplegate.refusals", "{request}", "Requests refused, by code.", (*_ROUTE, "triplegate.code"), 1),
    (
        "denied",
        "triplegate.limits.denied",
        "{request}",
        "Requests denied by a limit or budget.",
        ("triplegate.policy",),
        1,
    ),
    (
        "would_refuse",
        "triplegate.refusals.observed",
        "{request}",
        "Requests that a policy in observe mode would have refused.",
        ("triplegate.policy",),
        1,
    ),
    (
        "degraded",
        "triplegate.degraded",
        "{event}",
        "Decisions taken without the part they need.",
        ("triplegate.part",),
        1,
    ),
    (
        "unpriced",
        "triplegate.unpriced",
        "{request}",
        "Model calls that cost nothing because nobody knows their price.",
        _MODEL[1:],
        1,
    ),
    ("requests", "triplegate.requests", "{request}", "Requests by who pays.", (*_TEAM, "triplegate.gate"), 1),
    ("tokens", "triplegate.tokens", "{token}", "Tokens by who pays.", (*_TEAM, "gen_ai.token.type"), 1),
    ("cost", "triplegate.cost.usd", "{USD}", "Cost in US dollars by who pays.", _TEAM, 10_000_000_000),
)

_SESSION = ("mcp.protocol.version", "error.type")
SESSIONS: dict[str, tuple[str, str, str, tuple[str, ...], tuple[float, ...]]] = {
    # side → name, unit, meaning, labels, bounds: histograms that the mcp gate keeps
    "server": (
        "mcp.server.session.duration",
        "s",
        "Time from a client's initialize to the end of its session; to its last use where nobody ended it.",
        _SESSION,
        TOOL_SECONDS,
    ),
    "client": (
        "mcp.client.session.duration",
        "s",
        "Time from the gateway's initialize at a server to the end of that session.",
        _SESSION,
        TOOL_SECONDS,
    ),
}
