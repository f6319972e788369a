"""Shipped sample upstreams, a real local model and the demo configuration; imported by cli and tests only."""
