"""Verdicts of guards that others run: asked for side by side, bounded, remembered for a while."""
