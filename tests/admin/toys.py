"""Two record types with a field of every kind, and a small application that shows them in the real admin."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from decimal import Decimal
from html import unescape
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, Flask, g, request
from flask.testing import FlaskClient
from flask_babel import lazy_gettext as _l
from flask_wtf import CSRFProtect
from flask_wtf.csrf import generate_csrf
from sqlalchemy.orm import Mapped, mapped_column, relationship
from werkzeug.test import TestResponse

from core.accounts.actor import NOBODY, Actor, acting_as, as_system
from core.accounts.models import User
from core.admin.build import install_admin
from core.config import Config
from core.database.base import METADATA, plugin_base
from core.database.engine import Database
from core.database.types import Choice, Color, Email, LongText, Money, Option, Phone, Url, UtcDateTime
from core.errors import ValidationError
from core.extension.hooks import Hooks
from core.hookspecs import hookimpl
from core.jobs.queue import JobQueue
from core.parts import (
    ADMINISTRATOR,
    RECORD_VERBS,
    USER,
    Action,
    Board,
    Column,
    FieldGroup,
    ImportTarget,
    Job,
    Panel,
    Permission,
    Screen,
    SiteInfo,
)
from core.records.catalog import Catalog
from core.records.events import DELIVER
from core.records.gate import GatedSession
from core.records.record import Owned, Part, Record, Searchable
from core.site import i18n, theming

ROOT = Path(__file__).parents[2]
Base = plugin_base("toys")

STATES = (
    Option("new", _l("New"), "gray"),
    Option("open", _l("In progress"), "blue"),
    Option("lost", _l("Lost"), "rose"),
)

kite_tag = sa.Table(
    "toys_kite_tag",
    Base.metadata,
    sa.Column("kite_id", sa.ForeignKey("toys_kite.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("tag_id", sa.ForeignKey("toys_tag.id", ondelete="CASCADE"), primary_key=True),
)


class Land(Base, Record):
    """Where makers live."""

    __tablename__ = "toys_land"

    name: Mapped[str] = mapped_column(sa.String(80))


class Maker(Base, Record, Searchable):
    """Who makes kites."""

    __tablename__ = "toys_maker"

    name: Mapped[str] = mapped_column(sa.String(80))
    position: Mapped[int] = mapped_column(default=0)
    probability: Mapped[int | None] = mapped_column()
    land_id: Mapped[int | None] = mapped_column(sa.ForeignKey("toys_land.id", ondelete="SET NULL"))
    land: Mapped[Land | None] = relationship(Land)


class Tag(Base):
    """A word on a kite; no record of its own."""

    __tablename__ = "toys_tag"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(40))
    color: Mapped[str] = mapped_column(Color, default="teal")

    def __str__(self) -> str:
        return self.name


class Kite(Base, Record, Owned, Searchable):
    """A kite, with a field of every kind."""

    __tablename__ = "toys_kite"

    name: Mapped[str] = mapped_column(sa.String(80), info={"label": _l("Name")})
    notes: Mapped[str | None] = mapped_column(LongText(2000))
    state: Mapped[str] = mapped_column(Choice(STATES), default="new")
    reason: Mapped[str | None] = mapped_column(sa.String(80))
    paint: Mapped[str | None] = mapped_column(Color)
    phone: Mapped[str | None] = mapped_column(Phone)
    email: Mapped[str | None] = mapped_column(Email)
    site: Mapped[str | None] = mapped_column(Url)
    price: Mapped[Decimal | None] = mapped_column(Money("currency"))
    currency: Mapped[str] = mapped_column(sa.String(3), default="USD")
    chance: Mapped[int | None] = mapped_column()
    weight: Mapped[float | None] = mapped_column(sa.Float)
    flies: Mapped[bool] = mapped_column(default=True)
    day: Mapped[dt.date | None] = mapped_column()
    moment: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    extra: Mapped[dict[str, Any] | None] = mapped_column(sa.JSON)
    secret: Mapped[str | None] = mapped_column(sa.String(80))
    maker_id: Mapped[int | None] = mapped_column(sa.ForeignKey("toys_maker.id", ondelete="SET NULL"))
    maker: Mapped[Maker | None] = relationship(Maker)
    tags: Mapped[list[Tag]] = relationship(Tag, secondary=kite_tag)
    tails: Mapped[list[Tail]] = relationship(back_populates="kite", cascade="all, delete-orphan")

    def search_words(self) -> list[str | None]:
        return [self.name, self.phone]


class Tail(Base, Part):
    """A tail of a kite."""

    __tablename__ = "toys_tail"
    __whole__ = "kite"

    id: Mapped[int] = mapped_column(primary_key=True)
    kite_id: Mapped[int] = mapped_column(sa.ForeignKey("toys_kite.id", ondelete="CASCADE"))
    kite: Mapped[Kite] = relationship(back_populates="tails")
    label: Mapped[str] = mapped_column(sa.String(20))
    length: Mapped[int | None] = mapped_column()
    stripes: Mapped[bool] = mapped_column(default=False)

    def __str__(self) -> str:
        return self.label


def lengths(kites: Sequence[Kite]) -> Mapping[int, int]:
    """The length of each kite's name."""
    return {kite.id: len(kite.name) for kite in kites}


def fold_up(kites: Sequence[Kite]) -> str:
    """An action."""
    for kite in kites:
        kite.flies = False
    return f"{len(kites)} folded"


def similar(values: Mapping[str, str], record_id: int | None) -> Sequence[Kite]:
    """Kites of the same name."""
    from flask import current_app

    session = current_app.extensions["peyvand"].runtime.database.session
    found = session.scalars(sa.select(Kite).where(Kite.name == values.get("name", ""), Kite.id != (record_id or 0)))
    return list(found)


def ask(kite: Kite, lane: str) -> tuple[str, ...]:
    """A lost kite needs a reason."""
    return ("reason",) if lane == "lost" else ()


def move(kite: Kite, lane: str, values: Mapping[str, Any]) -> None:
    """Move a kite, unless it was glued."""
    if kite.name == "Glued":
        raise ValidationError("It is glued.")
    kite.state = lane
    if "reason" in values:
        kite.reason = values["reason"]


KITES = Screen(
    model=Kite,
    title="Kite",
    plural="Kites",
    columns=("name", "state", "price", "day", "maker", "tags", "owner", "letters"),
    computed=(Column(name="letters", label="Letters", load=lengths, kind="integer"),),
    form=(
        FieldGroup("Kite", ("name", "state", "owner", "price", "chance", "day", "moment", "flies", "paint", "weight")),
        FieldGroup("Where", ("phone", "email", "site", "maker", "tags", "notes", "extra")),
    ),
    children=("tails",),
    filters=("name", "state", "price", "day", "moment", "maker", "owner", "flies", "phone", "tags"),
    editable=("state", "price"),
    actions=(Action(name="fold", label="Fold up", run=fold_up),),
    board=Board(lane="state", amount="price", probability="chance", date="day", page_size=2, move=move, ask=ask),
    duplicates=similar,
    importing=ImportTarget(columns=(), write=lambda *_: None),
    subtitle=lambda kite: str(kite.maker or ""),
)
MAKERS = Screen(
    model=Maker,
    title="Maker",
    plural="Makers",
    columns=("name",),
    form=(FieldGroup("Maker", ("name", "position")),),
    board=None,
)


class _Plugin(ModuleType):
    """The hooks of the toys; a module, as pluggy knows them."""


def hooks_of(**implementations: Callable[..., Any]) -> Hooks:
    """Hooks with the given functions as implementations of the plugin ``toys``."""
    module = _Plugin("toys_hooks")
    for name, function in implementations.items():
        setattr(module, name, hookimpl(function))
    hooks = Hooks()
    hooks.register("toys", module)
    return hooks


def record_panels(record: Record) -> list[Panel]:
    """One panel that works and one that fails while it is drawn."""
    return [
        Panel(title="Good", template="toys/good.html", context={"word": "<calm>"}),
        Panel(title="Bad", template="toys/bad.html", slot="main"),
    ]


PERMISSIONS = {
    f"toys.{kind}.{verb}": Permission(f"toys.{kind}.{verb}", verb, (ADMINISTRATOR, USER))
    for kind in ("kite", "maker")
    for verb in RECORD_VERBS
}
EVERYTHING = frozenset(PERMISSIONS)


class Toys:
    """The application, its database, and people who visit it.

    Args:
        screens: what is shown.
        hooks: what plugins add.
    """

    def __init__(
        self, config: Config, screens: Sequence[Screen] = (KITES, MAKERS), hooks: Hooks | None = None
    ) -> None:
        self.database = Database(config, GatedSession)
        # Other tests may have mapped plugins in this process; their tables are none of ours.
        self.tables = [table for table in METADATA.sorted_tables if table.name.startswith(("core_", "toys_"))]
        METADATA.create_all(self.database.engine, self.tables)
        self.permissions = EVERYTHING
        self.person: int | None = None
        named = {screen.name: screen for screen in screens}
        self.site = SimpleNamespace(
            info=SiteInfo(generation=1, enabled=("toys",)),
            runtime=SimpleNamespace(database=self.database, config=config, queue=JobQueue(config)),
            hooks=hooks or hooks_of(record_panels=record_panels),
            screens=named,
            catalog=Catalog(named.values()),
            permissions=PERMISSIONS,
            jobs={DELIVER: Job(name=DELIVER, run=lambda *_, **__: None, label="")},
            grants={},
        )
        self.app = self._build(config)

    def _build(self, config: Config) -> Flask:
        app = Flask("core", static_folder=None, root_path=str(ROOT / "core"))
        app.config.update(SECRET_KEY=config.secret_key, TESTING=True, WTF_CSRF_TIME_LIMIT=None)
        app.add_url_rule("/static/<path:filename>", endpoint="static", build_only=True)
        app.extensions["peyvand"] = self.site
        CSRFProtect(app)
        i18n.install(app, [ROOT / "core" / "translations"])
        theming.install(app, theming.read_theme(), [("toys", Path(__file__).parent)], config.instance)
        # The pages of accounts have tests of their own; here only their addresses are needed.
        profile = Blueprint("profile", __name__, url_prefix="/profile")
        profile.add_url_rule("/", "index", lambda: "")
        profile.add_url_rule("/choose", "choose", lambda: "", methods=["POST"])
        app.register_blueprint(profile)
        app.add_url_rule("/sign-out", "security.logout", lambda: "", methods=["POST"])
        app.add_url_rule("/token", "token", generate_csrf)
        nobody = SimpleNamespace(is_authenticated=False)
        app.jinja_env.globals.update(
            site_menu=list, site_title=lambda: "Toys", search_url=lambda: None, current_user=nobody,
            theme_choice=lambda: "auto",
        )  # fmt: skip
        app.before_request(self._enter)
        app.teardown_request(lambda _error: g.pop("acting", ExitStack()).close())
        app.teardown_appcontext(lambda _error: self.database.session.remove())
        install_admin(app, self.site)
        return app

    def _enter(self) -> None:
        g.acting = ExitStack()
        signed_in = "X-Nobody" not in request.headers
        actor = Actor(self.person, "Sara", permissions=self.permissions) if signed_in else NOBODY
        g.acting.enter_context(acting_as(actor))

    @contextmanager
    def work(self) -> Iterator[Any]:
        """A committed unit of work as the installation itself."""
        with self.app.test_request_context(), as_system("test"):
            session = self.database.session()
            yield session
            session.commit()

    def add(self, *rows: Any) -> list[int]:
        """Store ``rows`` and return their ids."""
        with self.work() as session:
            session.add_all(rows)
            session.flush()
            return [row.id for row in rows]

    def read(self, record_id: int) -> Kite:
        """The kite as it is stored, archived or not, with its links."""
        with self.work() as session:
            options = (sa.orm.selectinload(Kite.tails), sa.orm.selectinload(Kite.tags), sa.orm.joinedload(Kite.maker))
            statement = sa.select(Kite).where(Kite.id == record_id).options(*options)
            kite = session.scalars(statement.execution_options(include_archived=True)).one()
            session.expunge_all()
            return kite

    def count(self) -> int:
        """How many kites there are, archived ones too."""
        with self.work() as session:
            counted = sa.select(sa.func.count(Kite.id)).execution_options(include_archived=True)
            return int(session.scalar(counted))

    def empty(self) -> None:
        """Forget everything, so that the next test begins with an empty installation."""
        self.permissions, self.person = EVERYTHING, None
        with self.database.engine.begin() as connection:
            if self.database.is_sqlite:
                for table in reversed(self.tables):
                    connection.execute(table.delete())
            else:
                names = ", ".join(table.name for table in self.tables)
                connection.exec_driver_sql(f"TRUNCATE {names} RESTART IDENTITY CASCADE")

    def browser(self) -> Browser:
        """A browser with an empty jar."""
        return Browser(self.app.test_client())


class Browser:
    """A client that sends the token of its session with every post."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client

    def get(self, path: str, **kwargs: Any) -> TestResponse:
        return self.client.get(path, **kwargs)

    def post(self, path: str, data: Mapping[str, Any] | None = None, **kwargs: Any) -> TestResponse:
        token = self.client.get("/token").text
        return self.client.post(path, data={"csrf_token": token, **(data or {})}, **kwargs)

    def form(self, path: str) -> dict[str, Any]:
        """What the form at ``path`` would post if nobody changed it."""
        return posted_by(self.get(path).text)

    def flashed(self) -> list[tuple[str, str]]:
        """The messages that wait for the next page."""
        with self.client.session_transaction() as session:
            return list(session.get("_flashes", []))


def posted_by(html: str) -> dict[str, Any]:
    """The fields of the first form made by our form templates, as a browser without a script would post them."""
    form = html.split('class="admin-form"', 1)[1].split("</form>", 1)[0]
    form = re.sub(r"<template>.*?</template>", "", form, flags=re.DOTALL)
    fields: dict[str, Any] = {}
    for tag in re.findall(r"<input [^>]*>", form):
        name, kind = _attribute(tag, "name"), _attribute(tag, "type")
        if not name or name.startswith(("del-", "csrf")) or (kind == "checkbox" and " checked" not in tag):
            continue
        fields[name] = _attribute(tag, "value") if kind != "checkbox" else "y"
    for name, body in re.findall(r'<textarea [^>]*name="([^"]+)"[^>]*>(.*?)</textarea>', form, re.DOTALL):
        fields[name] = unescape(body).strip()
    for tag, body in re.findall(r"(<select [^>]*>)(.*?)</select>", form, re.DOTALL):
        options = [option for option in re.findall(r"<option [^>]*>", body) if " selected" in option]
        chosen = [_attribute(option, "value") for option in options]
        fields[_attribute(tag, "name")] = chosen if " multiple" in tag else (chosen or [""])[0]
    return fields


def _attribute(tag: str, name: str) -> str:
    found = re.search(rf'\s{name}="([^"]*)"', tag)
    return unescape(found[1]) if found else ""


def person(name: str = "Sara", email: str = "sara@example.com") -> User:
    """Somebody who may own kites."""
    return User(email=email, name=name, fs_uniquifier=email)
