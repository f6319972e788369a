"""The way in: canonical requests, the life of a request, the ASGI and TLS fronts."""
