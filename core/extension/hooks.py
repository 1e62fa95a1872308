"""Calling hooks one implementation at a time, so that an error has a name and a reach.

pluggy calls all implementations in one go and isolates none of them. ``Hooks`` asks pluggy only who implements what and
with which arguments.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator
from functools import partial
from types import ModuleType
from typing import Any

import pluggy

from core import hookspecs
from core.errors import PeyvandError, PluginError

log = logging.getLogger(__name__)


class Hooks:
    """The hook implementations of one Site, in graph order."""

    def __init__(self) -> None:
        self._manager = pluggy.PluginManager(hookspecs.NAMESPACE)
        self._manager.add_hookspecs(hookspecs)
        self._order: list[str] = []
        self._found: dict[str, list[tuple[str, Callable[..., Any], tuple[str, ...]]]] = {}

    def register(self, plugin: str, module: ModuleType, part: str = "") -> None:
        """Add the implementations in ``module`` for ``plugin``; ``part`` tells glue modules apart.

        Raises:
            PluginError: a function is marked as a hook that does not exist, or takes arguments the hook has not.
        """
        name = f"{plugin}:{part}" if part else plugin
        self._found.clear()
        try:
            self._manager.register(module, name)
            self._manager.check_pending()
        except pluggy.PluginValidationError as error:
            self._manager.unregister(name=name)
            raise PluginError(plugin, str(error)) from None
        self._order.append(name)

    def unregister(self, plugin: str) -> None:
        """Drop every implementation of ``plugin``."""
        self._found.clear()
        for name in [name for name in self._order if name.split(":")[0] == plugin]:
            self._manager.unregister(name=name)
            self._order.remove(name)

    def implements(self, hook: str, plugin: str | None = None) -> bool:
        """Whether any plugin implements ``hook``, or this one."""
        found = [impl.plugin_name.split(":")[0] for impl in getattr(self._manager.hook, hook).get_hookimpls()]
        return bool(found) if plugin is None else plugin in found

    def _calls(self, hook: str, kwargs: dict[str, Any]) -> Iterator[tuple[str, Callable[[], Any]]]:
        about = type(kwargs["record"]) if "record" in kwargs else None
        event = kwargs.get("event")
        for plugin, function, names in self._in_order(hook):
            if event is not None and not getattr(function, "hears", _everything)(event):
                continue
            if about is None or _concerned(function, about):
                yield plugin, partial(function, *(kwargs[name] for name in names))

    def _in_order(self, hook: str) -> list[tuple[str, Callable[..., Any], tuple[str, ...]]]:
        """Plugin, function and the names of its arguments of every implementation; found once for all calls."""
        if hook not in self._found:
            caller = getattr(self._manager.hook, hook)
            implementations = {impl.plugin_name: impl for impl in caller.get_hookimpls()}
            last = len(self._order)

            def place(name: str) -> tuple[int, int]:
                impl = implementations[name]
                return (
                    -1 if impl.tryfirst else 1 if impl.trylast else 0,
                    self._order.index(name) if name in self._order else last,
                )

            self._found[hook] = [
                (name.split(":")[0], implementations[name].function, tuple(implementations[name].argnames))
                for name in sorted(implementations, key=place)
            ]
        return self._found[hook]

    def concerned(self, hook: str, model: type) -> bool:
        """Whether any plugin wants to be asked about records of ``model``."""
        return any(_concerned(impl.function, model) for impl in getattr(self._manager.hook, hook).get_hookimpls())

    def bears_detached(self, hook: str, model: type) -> bool:
        """Whether all who want to be asked about ``model`` can be asked about a record that is in no session."""
        asked = (impl.function for impl in getattr(self._manager.hook, hook).get_hookimpls())
        return all(
            issubclass(model, getattr(function, "detached", ())) for function in asked if _concerned(function, model)
        )

    def heard(self, hook: str, event: Any) -> bool:
        """Whether any implementation of ``hook`` wants to hear of ``event``; an error comes up when it is told."""
        try:
            return any(getattr(function, "hears", _everything)(event) for _, function, _ in self._in_order(hook))
        except Exception:
            return True

    def each(self, hook: str, **kwargs: Any) -> Iterator[tuple[str, Callable[[], Any]]]:
        """Pairs of plugin and a call, for callers that decide themselves what an error means."""
        return self._calls(hook, kwargs)

    def only(self, plugin: str, hook: str, **kwargs: Any) -> list[Any]:
        """The answers of one plugin; its errors propagate."""
        return [call() for name, call in self._calls(hook, kwargs) if name == plugin]

    def notify(
        self, hook: str, *, guard: Callable[[], contextlib.AbstractContextManager[Any]] | None = None, **kwargs: Any
    ) -> list[tuple[str, Any]]:
        """Tell everybody; an error is logged with the plugin's name and the others go on.

        Args:
            hook: the hook's name.
            guard: a context entered around every call, such as a savepoint that an error rolls back.
        """
        answers = []
        for plugin, call in self._calls(hook, kwargs):
            try:
                with guard() if guard else contextlib.nullcontext():
                    answers.append((plugin, call()))
            except Exception:
                log.exception("The hook %s of the plugin %s failed; the others go on.", hook, plugin)
        return answers

    def veto(self, hook: str, **kwargs: Any) -> list[Any]:
        """Ask everybody, and fail closed.

        Raises:
            PeyvandError: a plugin refuses.
            PluginError: a plugin broke, which refuses too.
        """
        answers = []
        for plugin, call in self._calls(hook, kwargs):
            try:
                answers.append(call())
            except PeyvandError:
                raise
            except Exception as error:
                log.exception("The hook %s of the plugin %s failed; what it guards is refused.", hook, plugin)
                raise PluginError(plugin, f"its check {hook} failed: {error}") from error
        return answers


def _everything(_event: object) -> bool:
    return True


def _concerned(function: Callable[..., Any], model: type) -> bool:
    models: tuple[type, ...] | None = getattr(function, "concerns", None)
    return models is None or issubclass(model, models)
