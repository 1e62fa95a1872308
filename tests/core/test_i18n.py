"""Languages of a Site: whose choice counts, which translation wins, how numbers, money and dates are written."""

import datetime as dt
import importlib.util
import os
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from types import ModuleType, SimpleNamespace

import flask_admin.babel
import flask_security.babel
import pytest
from babel import dates
from flask import Flask, render_template_string
from flask_babel import force_locale, gettext, ngettext
from flask_login import LoginManager, UserMixin, login_user
from flask_wtf import FlaskForm
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict
from wtforms import Form, StringField
from wtforms.validators import DataRequired, Length

from core.admin.date_field import LocalDateField, LocalDateTimeField
from core.site import formats
from core.site.i18n import install
from core.site.reader import Preferences, direction, language, preferences, reading_as, refresh

ROOT = Path(__file__).resolve().parents[2]
CORE = ROOT / "core" / "translations"
AZAR = dt.date(2026, 11, 22)
LRM, NBSP = "\u200e", "\u00a0"


def write_translations(folder: Path, entries: str, *, domain: str = "messages", plural: str = "") -> Path:
    """Write a Persian file and return its translations folder."""
    file = folder / "fa_IR" / "LC_MESSAGES" / f"{domain}.po"
    file.parent.mkdir(parents=True, exist_ok=True)
    header = 'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n'
    file.write_text(f"{header}{plural}\n{entries}", encoding="utf-8")
    return folder


def build(*directories: Path, **config: object) -> Flask:
    app = Flask("site")
    app.config.update(SECRET_KEY="not a secret", WTF_CSRF_ENABLED=False, **config)
    install(app, directories)
    return app


@pytest.fixture
def app() -> Flask:
    """A Site with core's own translations and no accounts."""
    return build(CORE)


@pytest.fixture
def persian(app: Flask) -> Iterator[None]:
    """A request of somebody whose browser asks for Persian."""
    with app.test_request_context(headers={"Accept-Language": "fa-IR,fa;q=0.9"}):
        yield


@pytest.fixture
def english(app: Flask) -> Iterator[None]:
    """A request of somebody whose browser asks for English."""
    with app.test_request_context(headers={"Accept-Language": "en-GB"}):
        yield


class Person(UserMixin):
    def __init__(self, **choices: str | None) -> None:
        self.id = "1"
        self.__dict__.update({"language": None, "calendar": None, "digits": None, "timezone": None} | choices)


def signed_in(app: Flask, person: Person) -> None:
    if not hasattr(app, "login_manager"):
        LoginManager(app)
    login_user(person)


# --- whose choice counts


@pytest.mark.parametrize(
    ("cookie", "header", "expected"),
    [
        (None, None, "en"),
        (None, "fa-IR", "fa"),
        (None, "de,fa;q=0.5,en;q=0.1", "fa"),
        (None, "de", "en"),
        ("fa", "en", "fa"),
        ("en", "fa", "en"),
        ("klingon", "fa", "fa"),
    ],
)
def test_a_cookie_goes_before_the_browsers_languages(
    app: Flask, cookie: str | None, header: str | None, expected: str
) -> None:
    headers = [("Cookie", f"peyvand_language={cookie}")] if cookie else []
    headers += [("Accept-Language", header)] if header else []
    with app.test_request_context(headers=headers):
        assert language() == expected
        assert direction() == ("rtl" if expected == "fa" else "ltr")


def test_the_signed_in_persons_language_goes_before_the_cookie(app: Flask) -> None:
    with app.test_request_context(headers=[("Cookie", "peyvand_language=en")]):
        signed_in(app, Person(language="fa"))
        assert preferences() == Preferences(language="fa", calendar="jalali", digits="persian", timezone="UTC")


def test_automatic_follows_the_request_and_the_three_choices_are_separate(app: Flask) -> None:
    with app.test_request_context(headers=[("Cookie", "peyvand_language=en")]):
        signed_in(app, Person(language="", calendar="jalali", digits="", timezone="Asia/Tehran"))
        assert preferences() == Preferences(language="en", calendar="jalali", digits="latin", timezone="Asia/Tehran")
        assert formats.format_local_date(AZAR) == "1 Azar 1405"


def test_a_damaged_choice_is_taken_as_automatic(app: Flask) -> None:
    with app.test_request_context():
        signed_in(app, Person(language="xx", calendar="lunar", digits="roman", timezone="Mars/Olympus"))
        assert preferences() == Preferences()


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "/etc/localtime", "Asia", "a\x00b"])
def test_a_time_zone_that_is_none_is_never_an_error(app: Flask, name: str) -> None:
    with app.test_request_context():
        signed_in(app, Person(timezone=name))
        assert preferences().timezone == "UTC"


def test_a_choice_made_in_this_request_acts_after_refresh(tmp_path: Path) -> None:
    app = build(write_translations(tmp_path, 'msgid "today"\nmsgstr "امروز"\n'))
    with app.test_request_context():
        person = Person(language="en")
        signed_in(app, person)
        assert gettext("today") == "today"
        person.language = "fa"
        refresh()
        assert language() == "fa"
        assert gettext("today") == "امروز"


def test_a_job_writes_in_the_language_of_the_person_it_writes_to(app: Flask) -> None:
    moment = dt.datetime(2026, 11, 22, 21, 0, tzinfo=dt.UTC)
    reader = SimpleNamespace(language="fa", calendar="gregorian", digits=None, timezone="Asia/Tehran")
    with app.app_context():
        assert language() == "en"
        with reading_as(reader):
            assert formats.format_local_datetime(moment, "short") == "۲۰۲۶-۱۱-۲۳ ۰۰:۳۰"
        assert formats.format_local_datetime(moment, "short") == "2026-11-22 21:00"


@pytest.mark.usefixtures("english")
def test_a_forced_locale_brings_its_own_calendar_and_digits() -> None:
    with force_locale("fa_IR"):
        assert formats.format_local_date(AZAR) == "۱ آذر ۱۴۰۵"
    assert formats.format_local_date(AZAR) == "Nov 22, 2026"


def test_the_installations_language_is_for_those_who_asked_for_none() -> None:
    app = build(BABEL_DEFAULT_LOCALE="fa_IR", BABEL_DEFAULT_TIMEZONE="Asia/Tehran")
    with app.app_context():
        assert preferences() == Preferences(language="fa", calendar="jalali", digits="persian", timezone="Asia/Tehran")
    with app.test_request_context(headers={"Accept-Language": "en"}):
        assert language() == "en"


def test_outside_an_application_everything_is_english() -> None:
    assert preferences() == Preferences()


# --- which translation wins


def test_a_later_folder_wins_and_an_earlier_one_fills_in(tmp_path: Path) -> None:
    first = write_translations(tmp_path / "core", 'msgid "City"\nmsgstr "شهر"\n\nmsgid "Stage"\nmsgstr "مرحله"\n')
    second = write_translations(tmp_path / "site", 'msgid "Stage"\nmsgstr "گام"\n')
    with build(first, second, tmp_path / "absent").test_request_context(headers={"Accept-Language": "fa"}):
        assert (gettext("City"), gettext("Stage"), gettext("Other")) == ("شهر", "گام", "Other")


def test_fuzzy_and_empty_translations_stay_english(tmp_path: Path) -> None:
    folder = write_translations(tmp_path, '#, fuzzy\nmsgid "City"\nmsgstr "ده"\n\nmsgid "Stage"\nmsgstr ""\n')
    with build(folder).test_request_context(headers={"Accept-Language": "fa"}):
        assert (gettext("City"), gettext("Stage")) == ("City", "Stage")


@pytest.mark.parametrize(
    "forms", ['msgstr[0] "%(num)s معامله"\n', 'msgstr[0] "%(num)s معامله"\nmsgstr[1] "%(num)s معامله"\n']
)
def test_a_plural_is_persian_for_every_number(tmp_path: Path, forms: str) -> None:
    entry = f'msgid "%(num)s deal"\nmsgid_plural "%(num)s deals"\n{forms}'
    plural = '"Plural-Forms: nplurals=2; plural=(n > 1);\\n"\n' if "[1]" in forms else ""
    with build(write_translations(tmp_path, entry, plural=plural)).test_request_context(
        headers={"Accept-Language": "fa"}
    ):
        assert [ngettext("%(num)s deal", "%(num)s deals", n) for n in (0, 1, 5)] == ["0 معامله", "1 معامله", "5 معامله"]


def test_a_site_built_after_a_file_changed_speaks_the_new_words(tmp_path: Path) -> None:
    folder = write_translations(tmp_path, 'msgid "City"\nmsgstr "شهر"\n')
    asking = {"headers": {"Accept-Language": "fa"}}
    old = build(folder)
    with old.test_request_context(**asking):
        assert gettext("City") == "شهر"
    write_translations(tmp_path, 'msgid "City"\nmsgstr "شهرستان"\n')
    with build(folder).test_request_context(**asking):
        assert gettext("City") == "شهرستان"
    with old.test_request_context(**asking):
        assert gettext("City") == "شهر"


def test_a_stale_compiled_file_is_not_read(tmp_path: Path) -> None:
    folder = write_translations(tmp_path, 'msgid "City"\nmsgstr "شهر"\n')
    compiled = folder / "fa_IR" / "LC_MESSAGES" / "messages.mo"
    compiled.write_bytes(b"not a catalogue")
    os.utime(compiled, (0, 0))
    with build(folder).test_request_context(headers={"Accept-Language": "fa"}):
        assert gettext("City") == "شهر"


def test_our_words_win_over_flask_admins_and_the_rest_of_its_persian_stays(tmp_path: Path) -> None:
    folder = write_translations(tmp_path, 'msgid "Edit Record"\nmsgstr "اصلاح"\n', domain="admin")
    with build(CORE, folder).test_request_context(headers={"Accept-Language": "fa"}):
        assert flask_admin.babel.gettext("Edit Record") == "اصلاح"
        assert flask_admin.babel.gettext("Cancel") == "انصراف"
        assert flask_admin.babel.gettext("File required.") == "فایل لازم است"
    with build(CORE).test_request_context(headers={"Accept-Language": "fa"}):
        assert flask_admin.babel.gettext("Edit Record") == "ویرایش رکورد"
    with build(CORE).test_request_context():
        assert flask_admin.babel.gettext("Edit Record") == "Edit Record"


def test_flask_admin_still_translates_in_an_application_that_is_no_site() -> None:
    from flask_babel import Babel

    other = Flask("other")
    Babel(other, locale_selector=lambda: "fa_IR")
    with other.test_request_context():
        assert flask_admin.babel.gettext("Delete") == "حذف"


def test_sign_in_messages_are_persian(persian: None, app: Flask) -> None:
    app.config.update(SECURITY_I18N_DIRNAME="builtin", SECURITY_I18N_DOMAIN="flask_security")
    domain = flask_security.babel.FsDomain(app)
    assert domain.gettext("Account is disabled.") == "این حساب غیرفعال است."


class NameForm(FlaskForm):
    name = StringField(validators=[DataRequired()])
    code = StringField(validators=[Length(min=3, max=3)])


@pytest.mark.usefixtures("persian")
def test_wtforms_messages_are_persian_also_those_the_library_lacks() -> None:
    form = NameForm(MultiDict({"name": "", "code": "12"}))
    assert not form.validate()
    assert form.errors == {"name": ["پر کردن این فیلد لازم است."], "code": ["باید دقیقاً 3 نویسه باشد."]}


@pytest.mark.usefixtures("english")
def test_wtforms_messages_are_english_for_an_english_reader() -> None:
    form = NameForm(MultiDict({"name": "", "code": "123"}))
    assert not form.validate()
    assert form.errors == {"name": ["This field is required."]}


# --- numbers, money, dates in templates

SHOWN = (
    "{{ n|num }} {{ 2026|dg }} {{ 0.255|pct(1) }} {{ n|money('USD') }} {{ n|money('IRR') }} {{ (n, 'IRT')|money }} "
    "{{ d|ldate }} {{ m|ldatetime }} {{ none|num }}{{ none|money('USD') }}{{ none|ldate }}{{ none|ago }}|"
    "{{ language() }} {{ direction() }} {{ is_rtl() }} {{ calendar_name() }} {{ digits_name() }}"
)


def shown(app: Flask) -> str:
    moment = dt.datetime(2026, 11, 22, 9, 5, tzinfo=dt.UTC)
    template = app.jinja_env.from_string(SHOWN)
    # As Flask-Admin's inline forms do it: no context processors.
    return template.render(n=Decimal("1234.50"), d=AZAR, m=moment)


def test_templates_write_for_an_english_reader(english: None, app: Flask) -> None:
    assert shown(app) == (
        f"1,234.5 2026 25.5% $1,234.50 1,234{NBSP}IRR 1,234{NBSP}IRT Nov 22, 2026 Nov 22, 2026 09:05 "
        "|en ltr False gregorian latin"
    )


def test_templates_write_for_a_persian_reader(persian: None, app: Flask) -> None:
    assert shown(app) == (
        f"۱٬۲۳۴٫۵ ۲۰۲۶ ۲۵٫۵٪ {LRM}$۱٬۲۳۴٫۵۰ ۱٬۲۳۴{NBSP}ریال ۱٬۲۳۴{NBSP}تومان ۱ آذر ۱۴۰۵ ۱ آذر ۱۴۰۵، ۰۹:۰۵ "
        "|fa rtl True jalali persian"
    )


def test_money_shows_decimals_only_where_there_are_some(english: None) -> None:
    assert formats.format_money(Decimal("1200.00"), "USD") == "$1,200"
    assert formats.format_money(Decimal("-0.5"), "EUR") == "-€0.50"
    assert formats.format_money(Decimal("99999999999999.99"), "USD") == "$99,999,999,999,999.99"
    assert formats.format_money(5, "XYZ") == f"5{NBSP}XYZ"
    assert formats.format_money(5, "") == "5"


@pytest.mark.usefixtures("persian")
def test_a_negative_number_keeps_its_sign_on_the_left_in_persian() -> None:
    assert formats.format_number(-1234) == f"{LRM}-۱٬۲۳۴"


def test_a_moment_moves_to_the_readers_zone_and_a_date_never_moves(app: Flask) -> None:
    with app.test_request_context():
        signed_in(app, Person(language="fa", timezone="Asia/Tehran"))
        late = dt.datetime(2026, 11, 21, 21, 0, tzinfo=dt.UTC)
        assert formats.format_local_date(late) == "۱ آذر ۱۴۰۵"
        assert formats.format_local_date(dt.date(2026, 11, 21)) == "۳۰ آبان ۱۴۰۵"


@pytest.mark.parametrize(
    ("value", "english_text", "persian_text"),
    [
        (dt.datetime(2026, 11, 22, 9, 0, tzinfo=dt.UTC), "3 hours ago", "۳ ساعت پیش"),
        (dt.datetime(2026, 11, 22, 9, 0, tzinfo=dt.UTC).replace(tzinfo=None), "3 hours ago", "۳ ساعت پیش"),
        (dt.date(2026, 11, 24), "in 2 days", "۲ روز دیگر"),
        (AZAR, "today", "امروز"),
    ],
)
def test_ago_says_how_far_a_moment_or_a_day_is(
    tmp_path: Path, value: dt.date, english_text: str, persian_text: str
) -> None:
    app = build(write_translations(tmp_path, 'msgid "today"\nmsgstr "امروز"\n'))
    for asked, text in (("en", english_text), ("fa", persian_text)):
        with app.test_request_context(headers={"Accept-Language": asked}):
            assert formats.format_ago(value, now=dt.datetime(2026, 11, 22, 12, 0, tzinfo=dt.UTC)) == text


@given(st.timedeltas(min_value=dt.timedelta(days=-4_000), max_value=dt.timedelta(days=4_000)))
def test_ago_is_what_babel_says_of_the_exact_distance(distance: dt.timedelta) -> None:
    moment = dt.datetime(2026, 11, 22, tzinfo=dt.UTC)
    told = formats.format_ago(moment + distance, now=moment)
    assert told == dates.format_timedelta(distance, add_direction=True, locale="en")


# --- date fields


class MeetingForm(Form):
    day = LocalDateField()
    start = LocalDateTimeField()


@pytest.mark.parametrize("asked", ["en", "fa"])
@pytest.mark.parametrize("calendar", ["gregorian", "jalali"])
@pytest.mark.parametrize("zone", ["UTC", "Asia/Tehran", "America/New_York"])
def test_what_a_form_shows_is_read_back_unchanged(app: Flask, asked: str, calendar: str, zone: str) -> None:
    with app.test_request_context():
        signed_in(app, Person(language=asked, calendar=calendar, timezone=zone))
        for days in range(0, 73_000, 997):
            day = dt.date(1901, 1, 1) + dt.timedelta(days=days)
            start = dt.datetime(2020, 1, 1, 17, 45, tzinfo=dt.UTC) + dt.timedelta(days=days % 3650)
            drawn = MeetingForm(data={"day": day, "start": start})
            form = MeetingForm(MultiDict({"day": drawn.day._value(), "start": drawn.start._value()}))
            assert form.validate(), form.errors
            assert (form.day.data, form.start.data) == (day, start)


@pytest.mark.usefixtures("persian")
def test_a_date_box_tells_the_script_its_calendar_and_keeps_what_was_typed() -> None:
    form = MeetingForm(MultiDict({"day": "1404/12/30", "start": "فردا"}))
    assert not form.validate()
    assert form.day.data is None
    assert 'value="1404/12/30"' in form.day()
    assert 'data-nv-date="persian"' in form.day()
    assert 'dir="ltr"' in form.day()
    assert 'placeholder="۱۴۰۵/۰۹/۰۱"' in form.day()
    assert 'value="فردا"' in form.start()
    assert "data-nv-date" not in form.start()


@pytest.mark.usefixtures("english")
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("banana", "Write a date, for example 2026-11-22."),
        ("26/1/1", "Write a date, for example 2026-11-22."),
        ("1650/1/1", "Write the year with four digits, for example 2026."),
        ("2026-02-30", "There is no such day in the calendar."),
    ],
)
def test_a_refused_date_says_why(text: str, message: str) -> None:
    form = MeetingForm(MultiDict({"day": text, "start": ""}))
    assert not form.validate()
    assert form.errors == {"day": [message]}
    assert 'data-nv-date="gregory"' in form.day()


@pytest.mark.usefixtures("english")
def test_an_empty_date_is_none() -> None:
    form = MeetingForm(MultiDict({"day": " ", "start": ""}))
    assert form.validate()
    assert (form.day.data, form.start.data) == (None, None)


def test_a_time_that_the_clocks_left_out_is_refused_and_a_doubled_one_is_the_earlier(app: Flask) -> None:
    with app.test_request_context():
        signed_in(app, Person(language="en", timezone="Europe/Berlin"))
        skipped = MeetingForm(MultiDict({"day": "", "start": "2026-03-29 02:30"}))
        assert not skipped.validate()
        doubled = MeetingForm(MultiDict({"day": "", "start": "2026-10-25 02:30"}))
        assert doubled.validate()
        assert doubled.start.data == dt.datetime(2026, 10, 25, 0, 30, tzinfo=dt.UTC)


# --- the script that keeps the Persian complete


@pytest.fixture(scope="module")
def script() -> ModuleType:
    """``scripts/translations.py`` as a module."""
    spec = importlib.util.spec_from_file_location("translations_script", ROOT / "scripts" / "translations.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A source tree with one message in core, one in a theme's template and one in a plugin."""
    (tmp_path / "babel.cfg").write_bytes((ROOT / "babel.cfg").read_bytes())
    for name, text in {
        "core/page.py": 'title = _l("City")\n',
        "themes/nova/templates/page.html": "{{ _('Hello %(name)s', name=name) }}",
        "plugins/sales/plugin.toml": "",
        "plugins/sales/screens.py": 'labels = _("City"), _("Deal")\n',
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path


def run(script: ModuleType, tree: Path, command: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, Sequence[str]]:
    status = script.main([command, "--root", str(tree)])
    return status, capsys.readouterr().out.splitlines()


def test_check_names_every_message_without_persian(
    script: ModuleType, tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, lines = run(script, tree, "check", capsys)
    assert status == 1
    assert sorted(line.split(" (")[0] for line in lines) == [
        "core: no Persian for 'City'",
        "core: no Persian for 'Hello %(name)s'",
        "sales: no Persian for 'City'",
        "sales: no Persian for 'Deal'",
    ]


def test_check_is_content_when_a_plugin_leans_on_core_and_translates_the_rest(
    script: ModuleType, tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = 'msgid "City"\nmsgstr "شهر"\n\nmsgid "Hello %(name)s"\nmsgstr "سلام %(name)s"\n'
    write_translations(tree / "core" / "translations", words)
    write_translations(tree / "plugins" / "sales" / "translations", 'msgid "Deal"\nmsgstr "معامله"\n')
    assert run(script, tree, "check", capsys) == (0, [])


def test_check_refuses_a_lost_placeholder_and_another_meaning_of_cores_word(
    script: ModuleType, tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = 'msgid "City"\nmsgstr "شهر"\n\nmsgid "Hello %(name)s"\nmsgstr "سلام"\n'
    write_translations(tree / "core" / "translations", words)
    words = 'msgid "Deal"\nmsgstr "معامله"\n\nmsgid "City"\nmsgstr "ده"\n'
    write_translations(tree / "plugins" / "sales" / "translations", words)
    status, lines = run(script, tree, "check", capsys)
    assert status == 1
    assert [line.split(":")[0] for line in lines] == ["core", "sales"]
    assert "lost in Persian" in lines[0]
    assert "another Persian" in lines[1]


def test_extract_adds_what_is_new_keeps_what_is_written_and_drops_what_is_gone(
    script: ModuleType, tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_translations(
        tree / "core" / "translations", 'msgid "City"\nmsgstr "شهر"\n\nmsgid "Gone"\nmsgstr "رفته"\n'
    )
    assert run(script, tree, "extract", capsys) == (0, [])
    text = (folder / "fa_IR" / "LC_MESSAGES" / "messages.po").read_text(encoding="utf-8")
    assert 'msgstr "شهر"' in text
    assert 'msgid "Hello %(name)s"\nmsgstr ""' in text
    assert "Gone" not in text
    plugin = (tree / "plugins/sales/translations/fa_IR/LC_MESSAGES/messages.po").read_text(encoding="utf-8")
    assert "Deal" in plugin
    assert "City" not in plugin


def test_compile_writes_a_file_that_is_then_read(
    script: ModuleType, tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_translations(tree / "core" / "translations", 'msgid "City"\nmsgstr "شهر"\n')
    assert run(script, tree, "compile", capsys) == (0, [])
    (folder / "fa_IR" / "LC_MESSAGES" / "messages.po").unlink()
    with build(folder).test_request_context(headers={"Accept-Language": "fa"}):
        assert gettext("City") == "شهر"


def test_texts_of_templates_take_variables_of_any_name_and_escape_them(tmp_path: Path) -> None:
    folder = write_translations(tmp_path, 'msgid "%(text)s in %(context)s"\nmsgstr "%(text)s در %(context)s"')
    site = build(folder)
    shown = "{{ _('%(text)s in %(context)s', text='<b>', context=self_) }} {{ _('100%%') }}"
    with site.test_request_context(headers={"Accept-Language": "fa"}):
        assert render_template_string(shown, self_="x") == "&lt;b&gt; در x 100%"
    with site.test_request_context(headers={"Accept-Language": "en"}):
        assert render_template_string(shown, self_="x") == "&lt;b&gt; in x 100%"
