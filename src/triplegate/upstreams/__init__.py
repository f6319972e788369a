"""OUT: everything that dials out on the data path, and the one attempts engine."""
