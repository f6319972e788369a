"""What finished exchanges tell: metrics, spans, the access log and the live tail."""
