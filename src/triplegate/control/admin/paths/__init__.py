"""One file for each part of the admin API."""
