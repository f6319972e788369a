"""Where things are remembered: adapters of the ports in `core.ports`, one folder or file a kind of store."""
