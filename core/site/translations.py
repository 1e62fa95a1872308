"""Translations read straight from ``.po`` files, from many folders, where a later folder wins.

No compiled file is kept: a file is parsed once per process and version, and Sites built later share the result. The
libraries that bring their own messages (Flask-Admin, WTForms, Flask-Security) are given the same folders: a file named
after the library's domain (``admin.po``, ``wtforms.po``, ``flask_security.po``) overrides what the library says.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from threading import Lock
from types import SimpleNamespace
from typing import Any, cast

import flask_admin.babel
import flask_babel
import flask_security.babel
import flask_wtf.i18n
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from flask import current_app, g, has_app_context
from flask_babel import Babel, Domain, get_locale
from jinja2 import pass_context
from jinja2.runtime import Context
from markupsafe import Markup

_EXTENSION = "peyvand_translations"
_binding = Lock()
MOST_TEXTS = 10_000  # of all languages; more than templates have


class FolderDomain(Domain):  # type: ignore[misc]
    """The messages of one Site: the domain ``messages`` of every folder, and the libraries' domains over their own."""

    def __init__(self, folders: Sequence[Path]) -> None:
        super().__init__([str(folder) for folder in folders], domain="messages")
        self.folders = tuple(folders)
        self._loaded: dict[tuple[str, str], NullTranslations] = {}

    def get_translations(self) -> NullTranslations:
        """Return the messages in the language of the moment, none outside an application."""
        # A page has up to three hundred texts.
        kept: dict[str, NullTranslations] | None = getattr(_moment(), "babel_translations", None)
        found = kept.get("messages") if kept is not None else None
        return found if found is not None else self.of_domain("messages", ())

    def of_domain(self, domain: str, library_folders: Iterable[str]) -> NullTranslations:
        """Return ``domain``'s messages in the language of the moment: the library's, then this Site's over them."""
        moment = _moment()
        # Flask-Babel clears this attribute whenever the language of the moment changes.
        kept: dict[str, NullTranslations] | None = getattr(moment, "babel_translations", None)
        if kept is None or domain not in kept:
            locale = get_locale()
            if locale is None:
                return NullTranslations()
            key = (str(locale), domain)
            if key not in self._loaded:
                self._loaded[key] = _merged([*map(Path, library_folders), *self.folders], *key)
            if kept is None:
                kept = {}
                _moment().babel_translations = kept  # type: ignore[union-attr]  # where there is a language
            kept[domain] = self._loaded[key]
        return kept[domain]


def _moment() -> SimpleNamespace | None:
    """Return what Flask-Babel keeps for the moment, None outside an application.

    It takes this function in place of its own, which looks at the context five times and is asked for every text: that
    was an eighth of the page of a record.
    """
    try:
        held: Any = g._get_current_object()  # type: ignore[attr-defined]
    except RuntimeError:
        return None
    kept: SimpleNamespace | None = held.get("_flask_babel")
    if kept is None:
        kept = held._flask_babel = SimpleNamespace()
    return kept


class TemplateTexts:
    """``_()`` of templates: what Jinja's own does, with texts that take no variables made into markup once.

    A page has a hundred of them, and passing each through Jinja and Flask-Babel took a twelfth of its time.
    """

    def __init__(self, domain: FolderDomain) -> None:
        self._domain = domain
        self._made: dict[tuple[NullTranslations, str], Markup] = {}

    @pass_context
    def __call__(self, context: Context, text: str, /, **variables: object) -> str:
        """``text`` in the language of the moment, with ``variables`` put in, escaped where the template escapes."""
        translations = self._domain.get_translations()
        if not context.eval_ctx.autoescape:
            return str(translations.ugettext(text) % variables)
        if variables:
            return Markup(translations.ugettext(text)) % variables  # noqa: S704 - the variables are escaped
        key = (translations, text)
        made = self._made.get(key)
        if made is None:
            if len(self._made) >= MOST_TEXTS:
                self._made.clear()
            # A format even without variables, as everywhere: "%%" is one sign.
            made = self._made[key] = Markup(translations.ugettext(text)) % {}  # noqa: S704 - from our own files
        return made


class SiteBabel(Babel):  # type: ignore[misc]
    """Flask-Babel whose default domain is a FolderDomain."""

    def __init__(self, folders: Sequence[Path]) -> None:
        super().__init__()
        self.domain_instance = FolderDomain(folders)


def site_domain() -> FolderDomain | None:
    """Return the messages of the current Site, or None outside one."""
    return current_app.extensions.get(_EXTENSION) if has_app_context() else None


def register(app_extensions: dict[str, object], domain: FolderDomain) -> None:
    """Make ``domain`` the one that :func:`site_domain` and the libraries use in this application."""
    app_extensions[_EXTENSION] = domain
    _bind_libraries()


def _merged(folders: Iterable[Path], locale: str, domain: str) -> NullTranslations:
    merged = Translations()
    language = locale.partition("_")[0]
    for folder in folders:
        # The plain language first: a library ships "fa", our own folders "fa_IR".
        for name in dict.fromkeys((language, locale)):
            messages = _read(folder / name / "LC_MESSAGES", domain)
            if messages is not None:
                merged.merge(messages)
                # merge() copies the messages and not the rule that picks a plural.
                merged.plural = messages.plural
    return merged


def _read(folder: Path, domain: str) -> Translations | None:
    """Return the parsed file of a folder: the compiled one where it is not older than its source."""
    source, compiled = (_version(folder / f"{domain}.{suffix}") for suffix in ("po", "mo"))
    if compiled and (not source or compiled >= source):
        return _parse_compiled(folder / f"{domain}.mo", compiled)
    return _parse_source(folder / f"{domain}.po", source, folder.parent.name) if source else None


def _version(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size


@lru_cache(maxsize=256)
def _parse_source(path: Path, version: tuple[int, int], locale: str) -> Translations:
    """Parse a ``.po`` file. ``version`` (modification time in nanoseconds, size) makes a changed file another entry."""
    with path.open("rb") as file:
        messages = read_po(file, locale=locale)
    for message in messages:
        # A file that declares one form only is shown in every number, instead of in English for the second one.
        # Newer versions of Babel put empty texts where the declared rule wants more forms.
        if message.pluralizable and isinstance(message.string, tuple):
            first = message.string[0]
            message.string = tuple(form or first for form in (*message.string, "")[: max(len(message.string), 2)])
    compiled = BytesIO()
    write_mo(compiled, messages)
    compiled.seek(0)
    return Translations(compiled, domain=path.stem)


@lru_cache(maxsize=256)
def _parse_compiled(path: Path, version: tuple[int, int]) -> Translations:
    with path.open("rb") as file:
        return Translations(file, domain=path.stem)


def _of_library(domain: Domain) -> NullTranslations:
    """Stand in for a library domain's ``get_translations``: the current Site's answer, where there is a Site."""
    site = site_domain()
    if site is None:
        return cast(NullTranslations, Domain.get_translations(domain))
    return site.of_domain(domain.domain[0], domain.translation_directories)


def _bind_libraries() -> None:
    """Have Flask-Admin, Flask-Security and both WTForms bridges ask the current Site, once per process.

    Flask-Admin merges its own messages last and keeps them for the life of the process, Flask-WTF knows WTForms'
    alone, and neither reads ``.po``. Their domains are replaced at the one method all their ``gettext`` functions call.
    """
    with _binding:
        if getattr(flask_admin.babel.CustomDomain, "get_translations", None) is _of_library:
            return
        flask_admin.babel.CustomDomain.get_translations = _of_library
        flask_security.babel.FsDomain.get_translations = _of_library
        wtforms_domain = flask_admin.babel.wtforms_domain
        wtforms_domain.get_translations = lambda: _of_library(wtforms_domain)
        flask_babel._get_current_context = _moment
        bridge = flask_wtf.i18n.translations
        bridge.gettext = lambda string: wtforms_domain.get_translations().ugettext(string)
        bridge.ngettext = lambda singular, plural, n: wtforms_domain.get_translations().ungettext(singular, plural, n)
