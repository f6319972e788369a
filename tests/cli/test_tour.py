"""The lines to paste are what a shell understands; the journeys send them."""

import json
import shlex

from triplegate.cli.tour import tour


def test_there_is_one_line_for_each_gate_and_its_bodies_are_json():
    api, llm, mcp = [shlex.split(line) for line in tour("http://127.0.0.1:8080", "tg_demo_x", "smollm2")]
    for words in (api, llm, mcp):
        assert words[0] == "curl"
        assert "Authorization: Bearer tg_demo_x" in words
    assert "http://127.0.0.1:8080/orders" in api
    assert json.loads(llm[llm.index("-d") + 1])["model"] == "smollm2"
    assert json.loads(llm[llm.index("-d") + 1])["stream"] is True
    call = json.loads(mcp[mcp.index("-d") + 1])
    assert f"Mcp-Name: {call['params']['name']}" in mcp
    assert f"Mcp-Method: {call['method']}" in mcp
