"""Measure the time and memory of a run, and compare them with baselines."""
