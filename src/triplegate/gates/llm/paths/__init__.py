"""The endpoints of the llm gate, one file each."""
