"""The lines to paste: one call a gate, with nothing but curl."""

_META = (
    '{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{},'
    '"io.modelcontextprotocol/clientInfo":{"name":"curl","version":"1"}}'
)


def tour(url: str, key: str, model: str) -> list[str]:
    """A REST call, a streamed chat, and an MCP tool call."""
    bearer = f"-H 'Authorization: Bearer {key}'"
    json_type = "-H 'Content-Type: application/json'"
    said = '[{"role":"user","content":"Say hello to the gateway."}]'
    chat = f'{{"model":"{model}","stream":true,"max_tokens":24,"messages":{said}}}'
    call = (
        '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"demo__add",'
        f'"arguments":{{"a":2,"b":3}},"_meta":{_META}}}}}'
    )
    mcp = (
        "-H 'Accept: application/json, text/event-stream' -H 'MCP-Protocol-Version: 2026-07-28' "
        "-H 'Mcp-Method: tools/call' -H 'Mcp-Name: demo__add'"
    )
    return [
        f"curl -i {url}/orders {bearer}",
        f"curl -N {url}/v1/chat/completions {bearer} {json_type} -d '{chat}'",
        f"curl {url}/mcp {bearer} {json_type} {mcp} -d '{call}'",
    ]
