"""Answers to questions that mean the same: where they are looked for, what forbids one, and how sure it must be."""
