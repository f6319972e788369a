"""Kubernetes Gateway API manifests as documents: read, judged by conditions, compiled to routes and services."""
