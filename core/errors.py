"""What can go wrong before and around a record: the exceptions every floor may raise.

Their text is one sentence for the person who runs the installation; a command prints it and ends with a non-zero
status, so no message may hold a password or a secret key.
"""


class PeyvandError(Exception):
    """Base of every error this project raises on purpose."""


class ConfigError(PeyvandError):
    """A setting is missing, malformed or unsafe."""


class StartError(PeyvandError):
    """Something outside the program keeps it from starting or running: a taken port, a full disk, a dead child."""


class SecretError(PeyvandError):
    """A stored secret cannot be read: its key is not there, or it was changed or moved in the database."""


class PluginError(PeyvandError):
    """A plugin cannot be read, imported, mapped or registered; ``plugin`` names the culprit."""

    def __init__(self, plugin: str, reason: str) -> None:
        super().__init__(f"{plugin}: {reason}")
        self.plugin = plugin
        self.reason = reason


class CatalogError(PeyvandError):
    """A record type has something the Catalog cannot describe."""


class UnknownRecordType(PeyvandError):
    """No enabled plugin has a record type of this name."""


class UnknownField(PeyvandError):
    """A record type has no field of this name."""

    def __init__(self, record_type: str, field: str) -> None:
        super().__init__(f"{record_type} has no field {field!r}.")
        self.record_type = record_type
        self.field = field


class Forbidden(PeyvandError):
    """The actor lacks a permission. Shown as «not found», so that nobody learns what exists."""

    def __init__(self, permission: str) -> None:
        super().__init__(f"This needs the permission {permission}.")
        self.permission = permission


class TokenRefused(PeyvandError):
    """A program may not come in with the access token that it showed, or showed none.

    ``status`` is the one of HTTP: 401 where another token would help, 403 where this one may do less. ``reason`` is a
    sentence for who wrote the program.
    """

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


class NotUnderstood(PeyvandError):
    """A request of a program that cannot be read. It is refused as a whole: without a part it would do something else.

    ``place`` names the part that is wrong, such as ``sort`` or ``phones[0].number``; ``message`` is a sentence for who
    wrote the program.
    """

    def __init__(self, place: str, message: object) -> None:
        super().__init__(f"{place}: {message}")
        self.place = place
        self.message = message


class ValidationError(PeyvandError):
    """Values that cannot be stored; ``errors`` maps field names to sentences, ``""`` to the record as a whole.

    Example: ``raise ValidationError(amount=_("A won deal needs an amount."))``.
    """

    def __init__(self, message: object = None, /, **errors: object) -> None:
        self.errors = dict(errors)
        if message is not None:
            self.errors[""] = message
        super().__init__("; ".join(str(text) for text in self.errors.values()))


class ConditionError(PeyvandError):
    """A condition that cannot be read. It is refused as a whole, for a part left out would match other records.

    ``path`` leads to the part that is wrong, such as ``all[1].value``; ``message`` is a sentence for who wrote it.
    """

    def __init__(self, path: str, message: object) -> None:
        super().__init__(f"{path}: {message}" if path else str(message))
        self.path = path
        self.message = message


class Blocked(PeyvandError):
    """Something stands in the way of an operation; the reason is a sentence for the person who asked."""


class LifecycleError(PeyvandError):
    """A plugin cannot be brought into the wanted state; the text says why and what to do."""
