"""The one error of this package."""


class MissingInputError(RuntimeError):
    """An input database cannot be had on this machine; the message says why."""
