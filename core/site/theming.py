"""Where templates and assets come from: operator, theme, plugin, core, in this order."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Callable, Iterable, MutableMapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from flask import Flask, request, templating, url_for
from jinja2 import BaseLoader, ChoiceLoader, Environment, FileSystemLoader, TemplateNotFound
from markupsafe import Markup
from whitenoise import WhiteNoise

from core.site.compiled import compiled_templates

CORE = Path(__file__).resolve().parents[1]
THEMES = CORE.parent / "themes"
YEAR = 31_536_000  # seconds


@dataclass(frozen=True)
class ThemeFolder:
    """A theme on the disk."""

    name: str
    title: str
    folder: Path

    @property
    def templates(self) -> Path:
        return self.folder / "templates"

    @property
    def static(self) -> Path:
        return self.folder / "static"


def read_theme(name: str = "nova") -> ThemeFolder:
    """The bundled theme called ``name``."""
    folder = THEMES / name
    data = tomllib.loads((folder / "theme.toml").read_text(encoding="utf-8"))
    return ThemeFolder(name, data["title"], folder)


class Templates(templating.Environment):
    """The templates of an application.

    Jinja lays the globals of each template over those of all, in a chain that takes Python to look through; every
    ``{% import %}`` of a page goes through all of them twice. No template here has globals of its own.
    """

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        """The globals of a template, which are those of all where it brings none."""
        return super().make_globals(d) if d else self.globals


class NamespaceLoader(BaseLoader):
    """A plugin's templates, only those under its own name: it cannot shadow another's."""

    def __init__(self, plugin: str, folder: Path) -> None:
        self.prefix = f"{plugin}/"
        self.loader = FileSystemLoader(folder)

    def get_source(self, environment: Environment, template: str) -> tuple[str, str | None, Callable[[], bool] | None]:
        if not template.startswith(self.prefix):
            raise TemplateNotFound(template)
        return self.loader.get_source(environment, template)


def install(app: Flask, theme: ThemeFolder, plugins: Iterable[tuple[str, Path]], instance: Path) -> None:
    """Give ``app`` its template chain and the helpers that templates draw with."""
    own = [NamespaceLoader(name, folder / "templates") for name, folder in plugins]
    app.jinja_loader = ChoiceLoader(  # type: ignore[assignment]
        [
            FileSystemLoader(instance / "templates"),
            FileSystemLoader(theme.templates),
            *own,
            FileSystemLoader(CORE / "templates"),
        ]
    )
    app.jinja_env.bytecode_cache = compiled_templates
    roots = {"vendor": CORE / "static" / "vendor", theme.name: theme.static}
    roots |= {name: folder / "static" for name, folder in plugins}

    # A page has dozens of icons, one per button and cell; building each address anew took a tenth of a list's time.
    @lru_cache(maxsize=512)
    def address(_mounted_at: str, path: str) -> str:
        root, _, rest = path.partition("/")
        return url_for("static", filename=path, v=_version(str(roots[root] / rest)))

    @lru_cache(maxsize=1024)
    def icon(mounted_at: str, name: str, cls: str) -> Markup:
        return Markup('<svg class="ic {}" aria-hidden="true" focusable="false"><use href="{}#{}"></use></svg>').format(
            cls, address(mounted_at, "vendor/icons.svg"), name
        )

    def asset(path: str) -> str:
        """The URL of a static file; it changes when the file does, so browsers keep it for ever."""
        return address(request.script_root, path)

    def nv_icon(name: str, cls: str = "") -> Markup:
        """An icon of the sprite, hidden from screen readers."""
        return icon(request.script_root, name, cls)

    app.jinja_env.globals.update(asset=asset, nv_icon=nv_icon)


@lru_cache(maxsize=512)
def _version(path: str) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()[:10]


def serve_static(app: Flask, theme: ThemeFolder, plugins: Iterable[tuple[str, Path]]) -> WhiteNoise:
    """The WSGI application with every static folder in front of it."""
    served = WhiteNoise(app.wsgi_app, max_age=YEAR, immutable_file_test=lambda path, url: True, autorefresh=False)
    served.add_files(str(CORE / "static" / "vendor"), prefix="static/vendor/")
    served.add_files(str(theme.static), prefix=f"static/{theme.name}/")
    for name, folder in plugins:
        if (folder / "static").is_dir():
            served.add_files(str(folder / "static"), prefix=f"static/{name}/")
    return served
