"""The one error that a user's input can raise."""

__all__ = ["InputError"]


class InputError(ValueError):
    """Input that cannot be used.

    The message is one sentence: the value found, the limit, and the remedy. The command line prints
    it on one line and exits with 2; a page shows it in place of the result.
    """
