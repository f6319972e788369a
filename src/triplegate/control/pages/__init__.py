"""The pages of the control plane: rendered on the server, readable without JavaScript."""
