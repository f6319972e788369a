"""An MCP server of one era that offers what a test gives it, keeps what it is asked, and echoes what it is told."""

import msgspec

from triplegate.samples.http import Answer

LISTS = {
    "tools/list": ("tools", "tools"),
    "prompts/list": ("prompts", "prompts"),
    "resources/list": ("resources", "resources"),
    "resources/templates/list": ("resourceTemplates", "resources"),
}
NOT_FOUND = {"modern": -32602, "legacy": -32002}


class Offering:
    """`tools` and the others are raw definitions, joined by commas; what is None is not advertised."""

    def __init__(self, era="modern", *, completions=False, **offered):
        self.era = era
        self.offered = {member: offered.get(member) for member, _ in LISTS.values()}
        self.capabilities = {name: {} for member, name in LISTS.values() if offered.get(member) is not None}
        if completions:
            self.capabilities["completions"] = {}
        self.asked = []
        """(method, params, headers) of every request."""
        self.missing = set()
        """URIs that are not found."""

    @property
    def methods(self):
        return [method for method, _, _ in self.asked]

    async def __call__(self, request):
        text = await request.body()
        if not text:
            return Answer(status=204)
        body = msgspec.json.decode(text)
        self.asked.append((body["method"], body.get("params", {}), dict(request.headers)))
        if "id" not in body:
            return Answer(status=202)
        said = self.answer(body["method"], body.get("params", {}))
        status = 200
        if isinstance(said, int):
            status = {-32601: 404}.get(said, 400) if self.era == "modern" else 200
            more = {"data": {"uri": body["params"]["uri"]}} if "uri" in body.get("params", {}) else {}
            sent = b'"error":' + msgspec.json.encode({"code": said, "message": "no"} | more)
        else:
            sent = b'"result":' + (said if isinstance(said, bytes) else msgspec.json.encode(said))
        identity = msgspec.json.encode(body["id"])
        return Answer(b'{"jsonrpc":"2.0","id":%b,%b}' % (identity, sent), status, "application/json")

    def answer(self, method, params):
        """A result, or the code of an error."""
        if method == "server/discover" and self.era == "modern":
            return {"supportedVersions": ["2026-07-28"], "capabilities": self.capabilities, "resultType": "complete"}
        if method == "initialize" and self.era == "legacy":
            server = {"name": "s", "version": "1"}
            return {"protocolVersion": "2025-11-25", "capabilities": self.capabilities, "serverInfo": server}
        if method in LISTS:
            member, _ = LISTS[method]
            offered = self.offered[member]
            return -32601 if offered is None else b'{"%b":[%b]}' % (member.encode(), offered)
        if method == "resources/read":
            uri = params["uri"]
            kept = {"ttlMs": 9, "cacheScope": "public", "resultType": "complete"} if self.era == "modern" else {}
            read = {"contents": [{"uri": uri, "text": f"read {uri}"}]} | kept
            return NOT_FOUND[self.era] if uri in self.missing else read
        if method == "prompts/get":
            text = f"{params['name']} {params.get('arguments')}"
            return {"messages": [{"role": "user", "content": {"type": "text", "text": text}}]}
        if method == "completion/complete":
            return {"completion": {"values": [msgspec.json.encode(params["ref"]).decode()], "x": 1.50}}
        return -32601
