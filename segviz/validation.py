"""Checks shared by readers."""
