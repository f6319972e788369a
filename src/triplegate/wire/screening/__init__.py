"""What guards look for in text: spans that must not pass, and signs of instructions that do not belong there."""
