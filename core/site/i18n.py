"""Languages of a Site: translations, and what templates use to write numbers, money and dates.

Templates get filters and globals, never context processors: Flask-Admin renders inline forms with
``template.render()``, which runs none.
"""

from collections.abc import Sequence
from pathlib import Path

from flask import Flask

from core.calendars import LOCALES
from core.site import formats
from core.site.reader import calendar_name, chosen_preferences, digits_name, direction, is_rtl, language
from core.site.translations import SiteBabel, TemplateTexts, register


def install(app: Flask, directories: Sequence[Path]) -> None:
    """Give ``app`` its languages: translations from ``directories`` (a later one wins), filters and globals.

    Each directory holds ``<locale>/LC_MESSAGES/messages.po``. In the configuration,
    ``BABEL_DEFAULT_TIMEZONE`` (an IANA name, default UTC) is the time zone of people who have chosen none, and
    ``BABEL_DEFAULT_LOCALE`` the language of those whose browser asks for none of ours.
    """
    babel = SiteBabel(directories)
    babel.init_app(
        app,
        locale_selector=lambda: LOCALES[chosen_preferences().language],
        timezone_selector=lambda: chosen_preferences().timezone,
    )
    register(app.extensions, babel.domain_instance)
    app.jinja_env.globals["_"] = TemplateTexts(babel.domain_instance)
    app.jinja_env.filters.update(
        num=formats.format_number,
        money=formats.format_money,
        pct=formats.format_percent,
        ldate=formats.format_local_date,
        ldatetime=formats.format_local_datetime,
        ago=formats.format_ago,
        dg=formats.format_digits,
    )
    app.jinja_env.globals.update(
        language=language,
        direction=direction,
        is_rtl=is_rtl,
        calendar_name=calendar_name,
        digits_name=digits_name,
    )
