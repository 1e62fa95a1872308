"""Routes that a Site is built of quickly."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from werkzeug.routing import Rule

Writer = Callable[..., tuple[str, str]]


class Route(Rule):
    """A rule that writes the code for building its addresses when the first of them is asked for.

    Werkzeug writes it for every rule at once, in two versions. A Site has more than four hundred rules, of which a
    process builds addresses of some dozens, and this was three quarters of the time in which a Site is built.
    """

    def _compile_builder(self, append_unknown: bool = True) -> Writer:
        """Stand in for the function that Werkzeug would compile, and compile it when called."""

        def write(rule: Route, **values: Any) -> tuple[str, str]:
            compiled: Writer = Rule._compile_builder(rule, append_unknown).__get__(rule)
            setattr(rule, "_build_unknown" if append_unknown else "_build", compiled)
            return compiled(**values)

        return write
