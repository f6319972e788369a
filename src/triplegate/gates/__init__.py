"""The three gates: each reads its dialect, forwards, and renders refusals."""
