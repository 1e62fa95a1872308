"""Nothing is answered here."""

from plugins.tight_lipped import models  # noqa: F401
