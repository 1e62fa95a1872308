"""Panels that fail in both ways there are."""

from core import FieldGroup, Panel, Screen, hookimpl, record_permissions
from plugins.raising_panel.models import Page


@hookimpl
def permissions():
    """Everything, for everybody."""
    return record_permissions("raising_panel.page", "Pages")


@hookimpl
def screens(site):
    """The list of pages."""
    return [
        Screen(model=Page, title="Page", plural="Pages", columns=("name",), form=(FieldGroup("Page", ("name",)),))
    ]


@hookimpl
def record_panels(record):
    """Fails at once, or when the template is drawn."""
    if record.name == "hook":
        raise RuntimeError("This panel cannot be had.")
    return [Panel(title="Quotient", template="raising_panel/quotient.html")]
