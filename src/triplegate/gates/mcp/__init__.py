"""The mcp gate: MCP servers of both eras behind one endpoint, for clients of both eras."""
