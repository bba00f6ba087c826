"""Runs and their records: make, keep, read and describe them."""
