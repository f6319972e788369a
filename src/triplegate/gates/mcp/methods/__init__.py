"""The methods of MCP, a file a family."""
