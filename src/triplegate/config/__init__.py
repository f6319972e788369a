"""Settings read once, and documents read whole, validated with their places."""
