"""Flask-Admin for one Site: our theme, and a fresh view per screen."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Flask
from flask_admin import Admin, AdminIndexView, BaseView, expose
from flask_admin.theme import Theme

from core.admin.ids import not_found
from core.admin.record_view import RecordView
from core.errors import PeyvandError, PluginError
from core.records.submissions import form_key

TEMPLATES = Path(__file__).resolve().parents[2] / "themes" / "nova" / "templates"


@dataclass
class NovaTheme(Theme):  # type: ignore[misc]
    """The whole template set. Its folder is absolute, so that nothing falls back to the one Flask-Admin joins it to."""

    folder: str = str(TEMPLATES)
    base_template: str = "admin/base.html"
    swatch: str = "default"
    fluid: bool = True


class NoIndex(AdminIndexView):  # type: ignore[misc]
    """Flask-Admin wants a page of its own; the product's home is another one, so this answers 404."""

    @expose("/")
    def index(self) -> Any:
        """Nothing."""
        not_found()

    def is_visible(self) -> bool:
        """Never part of a menu."""
        return False

    def create_blueprint(self, admin: Admin) -> Any:
        """Without Flask-Admin's own scripts and styles, which no page of ours uses."""
        self.static_folder = self.static_url_path = None
        return BaseView.create_blueprint(self, admin)


def install_admin(app: Flask, site: Any) -> Admin:
    """Register a view for every screen of ``site``.

    Raises:
        PluginError: a screen cannot be built; the error names the plugin it belongs to.
    """
    admin = Admin(
        app,
        name="Peyvand",
        theme=NovaTheme(),
        index_view=NoIndex(endpoint="flask_admin", url="/admin/records"),
    )
    app.jinja_env.globals["form_key"] = form_key
    for screen in site.screens.values():
        try:
            admin.add_view(RecordView(site, screen))
        except (PeyvandError, LookupError, AttributeError, TypeError, ValueError) as error:
            plugin = screen.name.partition(".")[0]
            raise PluginError(plugin, f"The screen {screen.name} cannot be built: {error}") from error
    return admin
