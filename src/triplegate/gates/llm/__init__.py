"""The llm gate: the names clients ask for, answered by deployments at providers."""
