"""What the ledger tells: reports for the CLI, the admin API and the pages."""
