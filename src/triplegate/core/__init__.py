"""The nouns every other floor speaks in; no I/O lives here."""
