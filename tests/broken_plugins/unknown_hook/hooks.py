"""Answers a question that nobody asks."""

from core import hookimpl


@hookimpl
def colour_of_the_sky():
    """What is not in the contract."""
    return "blue"
