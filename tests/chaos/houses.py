"""The configuration that the chaos tests run: an API, a stream and a model, all of them priced."""

from pathlib import Path

from tests.journeys.running import write

PRICE = 1_000_000
"""Of a call of /orders, in the ledger's unit: 0.0001 US dollar."""

CONFIGURATION = """
{settings}
services: {{orders: {{endpoints: ["http://127.0.0.1:{orders}"]}}}}
routes:
  orders: {{service: orders, match: {{path: /orders}}, price: 0.0001, owner: web, policies: [{{use: key_auth}}]}}
  slow: {{service: orders, match: {{path: /slow}}, price: 0.0001, owner: web, policies: [{{use: key_auth}}]}}
  open: {{service: orders, match: {{path: /public/health}}, identity: none, owner: web}}
  limited:
    service: orders
    match: {{path: /health}}
    owner: web
    policies: [{{use: key_auth}}, {{use: rate_limit, name: shared, requests: {limit}, window: 1h}}]
  tight:
    service: orders
    match: {{path: /echo}}
    owner: web
    policies: [{{use: key_auth}}, {{use: rate_limit, name: tight, requests: {tight}, window: 1h}}]
providers:
  scripted: {{base_url: "http://127.0.0.1:{llm}/v1", auth: null, models: {{scripted: {{input: 1, output: 2}}}}}}
models: {{plain: {{deployments: [{{provider: scripted, model: scripted}}]}}}}
llm: {{policies: [{{use: key_auth}}]}}
orgs: {{acme: {{teams: {{web: {{consumers: {{ci: {{}}}}}}}}}}}}
"""


def furnish(directory: Path, samples, settings: str = "", limit: int = 100_000, tight: int = 60) -> Path:
    """Write it for these samples."""
    ports = {name: samples.ports[name] for name in ("orders", "llm")}
    return write(directory, CONFIGURATION.format(settings=settings, limit=limit, tight=tight, **ports))


def chat(script: dict | None = None, *, stream: bool = False) -> dict:
    """A chat request; `script` is what the scripted provider shall say."""
    import json

    said = json.dumps({"script": script}) if script else "Say something."
    return {"model": "plain", "stream": stream, "messages": [{"role": "user", "content": said}]}
