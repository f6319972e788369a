"""Side by side with peers in one run: `python -m benchmarks` or `make bench`; ratios and CPU a request count."""
