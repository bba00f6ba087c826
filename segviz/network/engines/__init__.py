"""Engines: other ways to run the frozen part of a network, equal to PyTorch's kernel by kernel."""
