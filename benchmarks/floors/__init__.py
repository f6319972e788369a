"""Floors: what the server alone costs (`hello`), and the server with our upstream client but no house (`raw`)."""
