"""The steps from an empty database to today's tables, one file a step, never edited once shipped."""
