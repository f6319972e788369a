"""Judges of what is said as a whole: its form, its language, its topic."""
