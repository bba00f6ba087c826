"""Printed figures (matplotlib)."""
