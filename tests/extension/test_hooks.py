"""Hooks are called one by one, and an error has a name and a reach."""

import types

import pytest

from core.errors import PluginError, ValidationError
from core.extension.hooks import Hooks
from core.hookspecs import hookimpl
from core.parts import hears


def module(**functions: object) -> types.ModuleType:
    made = types.ModuleType("made")
    for name, function in functions.items():
        setattr(made, name, hookimpl(function))
    return made


def fails(**_: object) -> None:
    raise RuntimeError("broken")


def test_an_unknown_hook_names_its_plugin() -> None:
    with pytest.raises(PluginError) as error:
        Hooks().register("geo", module(not_a_hook=lambda: None))
    assert error.value.plugin == "geo"


def test_a_plugin_refused_leaves_no_hook() -> None:
    hooks = Hooks()
    with pytest.raises(PluginError):
        hooks.register("geo", module(permissions=lambda: [], not_a_hook=lambda: None))
    assert not hooks.implements("permissions")


def test_notify_goes_on_after_an_error() -> None:
    hooks = Hooks()

    def broken(record: object) -> None:
        raise RuntimeError("broken")

    hooks.register("first", module(record_panels=broken))
    hooks.register("second", module(record_panels=lambda record: ["panel"]))
    assert hooks.notify("record_panels", record=None) == [("second", ["panel"])]


def test_only_an_event_that_somebody_wants_or_cannot_judge_is_heard() -> None:
    hooks = Hooks()

    def listen(event: object) -> None:
        """Nothing."""

    hooks.register("deaf", module(on_event=hears(lambda event: event == "won")(listen)))
    assert [hooks.heard("on_event", event) for event in ("won", "created")] == [True, False]
    hooks.register("broken", module(on_event=hears(fails)(lambda event: None)))
    assert hooks.heard("on_event", "created")


def test_a_veto_that_breaks_refuses() -> None:
    hooks = Hooks()

    def broken(record: object, changes: object) -> None:
        raise RuntimeError("broken")

    hooks.register("geo", module(before_save=broken))
    with pytest.raises(PluginError) as error:
        hooks.veto("before_save", record=None, changes={})
    assert error.value.plugin == "geo"


def test_a_refusal_passes_as_it_is() -> None:
    hooks = Hooks()

    def refuses(record: object, changes: object) -> None:
        raise ValidationError(amount="Too small.")

    hooks.register("geo", module(before_save=refuses))
    with pytest.raises(ValidationError, match="Too small"):
        hooks.veto("before_save", record=None, changes={})


def test_implementations_are_called_in_the_order_of_registration() -> None:
    hooks = Hooks()
    for name in ("zebra", "apple"):
        hooks.register(name, module(permissions=lambda name=name: [name]))
    assert [plugin for plugin, _call in hooks.each("permissions")] == ["zebra", "apple"]
