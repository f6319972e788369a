"""One file a command; beside app.py they may know everything."""
