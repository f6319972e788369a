"""The control plane: telemetry, the admin API, the pages and the reports."""
