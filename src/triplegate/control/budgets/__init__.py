"""Budgets as the house keeps them: read from the ledger, compared with it, raised, told of."""
