"""The version of this package, written once: packaging, records and pages read it here."""

__all__ = ["__version__"]

__version__ = "0.2.0"
