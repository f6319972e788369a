"""triplegate: an API gateway, an LLM gateway and an MCP gateway in one process."""

__version__ = "0.1.0"
