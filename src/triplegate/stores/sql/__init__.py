"""What lasts, in SQLite or PostgreSQL: ledger, keys, tokens, teams, audit. SQLAlchemy is loaded only from here."""
