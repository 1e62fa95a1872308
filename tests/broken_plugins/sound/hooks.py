"""One permission, to see that it runs."""

from core import Permission, hookimpl


@hookimpl
def permissions():
    """One."""
    return [Permission("sound.play", "Play")]
