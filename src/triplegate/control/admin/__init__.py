"""The admin API: who may do what on the control plane, and the paths under /admin/v1."""
