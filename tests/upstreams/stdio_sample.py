"""An MCP server on standard input and output that does as its tools say; run by tests, standard library only.

Arguments: `modern` or `legacy`, then any of `stubborn` (ignores SIGTERM and the end of its input), `child` (starts a
process of its own), `dies` (ends at once).
"""

import json
import os
import signal
import subprocess
import sys
import time

ERA, HOW = sys.argv[1], sys.argv[2:]
MODERN, LEGACY = "2026-07-28", "2025-11-25"
NAMES = ["echo", "pid", "environment", "wait", "progress", "ask", "long_line", "garbage", "end", "quiet"]
TOOLS = [{"name": name, "inputSchema": {"type": "object"}} for name in NAMES]
waiting = {}
asked = {}


def say(message):
    sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
    sys.stdout.flush()


def answer(identity, text, **more):
    say({"id": identity, "result": {"content": [{"type": "text", "text": text}], **more}})


def call(identity, params):
    name, arguments, meta = params.get("name"), params.get("arguments", {}), params.get("_meta", {})
    if name == "echo":
        answer(identity, arguments.get("text", ""), odd={"kept": [1.0, None]})
    elif name == "pid":
        answer(identity, str(os.getpid()))
    elif name == "environment":
        answer(identity, json.dumps(dict(os.environ)))
    elif name == "wait":
        waiting[arguments.get("key")] = identity
    elif name == "quiet":
        pass
    elif name == "progress":
        for step in range(3):
            say(
                {
                    "method": "notifications/progress",
                    "params": {"progressToken": meta["progressToken"], "progress": step},
                }
            )
        say({"method": "notifications/message", "params": {"level": "info", "data": "half way"}})
        answer(identity, "done")
    elif name == "ask":
        asked["q1"] = identity
        say({"id": "q1", "method": "elicitation/create", "params": {"message": "sure?"}})
    elif name == "long_line":
        sys.stdout.write("x" * arguments["size"] + "\n")
        sys.stdout.flush()
    elif name == "garbage":
        sys.stdout.write("this is no message\n\n[1, 2]\n")
        say({"id": 987654321, "result": {"content": []}})
        say({"id": "nobody", "result": {}})
        answer(identity, "after it")
    elif name == "end":
        sys.stderr.write("\n".join(f"line {n}" for n in range(2000)) + "\nit was told to\n")
        sys.stderr.flush()
        os._exit(3)


def hear(message):
    method, identity, params = message.get("method"), message.get("id"), message.get("params", {})
    if method is None:
        answer(asked.pop(identity), json.dumps(message.get("result")))
    elif method == "tools/call":
        call(identity, params)
    elif method == "tools/list":
        say({"id": identity, "result": {"tools": TOOLS}})
    elif method == "server/discover" and ERA == "modern":
        say({"id": identity, "result": {"supportedVersions": [MODERN], "capabilities": {"tools": {}}}})
    elif method == "subscriptions/listen" and ERA == "modern":
        tag = {"_meta": {"io.modelcontextprotocol/subscriptionId": identity}}
        say({"method": "notifications/subscriptions/acknowledged", "params": tag})
        say({"method": "notifications/tools/list_changed", "params": tag})
    elif method == "initialize" and ERA == "legacy":
        told = {"name": "sample", "version": str(os.getpid())}
        say({"id": identity, "result": {"protocolVersion": LEGACY, "capabilities": {"tools": {}}, "serverInfo": told}})
    elif method == "notifications/initialized":
        say({"method": "notifications/tools/list_changed"})
    elif method == "notifications/cancelled":
        for key, pending in list(waiting.items()):
            if pending == params["requestId"]:
                del waiting[key]
                waiting[f"{key} cancelled"] = True
        release(f"cancelled {params['requestId']}")
    elif method == "vendor/release":
        release(params.get("text", "released"))
        say({"id": identity, "result": {"waiting": [key for key, one in waiting.items() if one is True]}})
    elif identity is not None:
        say({"id": identity, "error": {"code": -32601, "message": "unknown"}})


def release(text):
    for key, identity in list(waiting.items()):
        if identity is not True:
            del waiting[key]
            answer(identity, f"{key} {text}")


if "dies" in HOW:
    sys.stderr.write("no such option\n")
    sys.exit(2)
if "child" in HOW:
    subprocess.Popen([sys.executable, "-I", "-S", "-c", "import time; time.sleep(600)", os.environ.get("MARK", "")])
if "stubborn" in HOW:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
for line in sys.stdin:
    hear(json.loads(line))
while "stubborn" in HOW:
    time.sleep(1)
