"""Answers of models, remembered: which may be, in what form, and who is being given one right now."""
