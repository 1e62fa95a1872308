"""A page where another one is already."""

from flask import Blueprint

from core import hookimpl


@hookimpl
def blueprints(site):
    """The profile page, once more."""
    pages = Blueprint("url_clash", __name__, url_prefix="/profile")
    pages.add_url_rule("/", "page", lambda: "mine")
    return [pages]
