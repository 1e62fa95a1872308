"""Uses the class."""

from plugins.bad_mapper import models  # noqa: F401
