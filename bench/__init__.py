"""Benchmarks: what Graftwatch takes in and gives out, as ratios measured in one run."""
