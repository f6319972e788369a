"""Servers and their tools, as the control plane shows them."""
