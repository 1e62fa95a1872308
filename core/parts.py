"""The frozen values that plugins hand to the core. Data only: nothing here touches Flask or the database."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

# A label is a string or a lazily translated one (``flask_babel.LazyString``); it becomes text when shown.
Label = Any


def untranslated(label: Label) -> str:
    """The text of a label as its author wrote it, whatever language is current."""
    # flask_babel keeps what it was called with; there is no public way to ask for it.
    arguments = getattr(label, "_args", None)
    return str(arguments[0]) if arguments else str(label)


ADMINISTRATOR = "administrator"
USER = "user"
EVERYONE = (ADMINISTRATOR, USER)


@dataclass(frozen=True, kw_only=True)
class SiteInfo:
    """What a plugin may know while a Site is being built.

    ``generation`` is the number of the Site, ``enabled`` the names of the enabled plugins in graph order.
    """

    generation: int
    enabled: tuple[str, ...] = ()


@dataclass(frozen=True)
class Permission:
    """A right that roles grant, named ``<plugin>.<record type>.<verb>`` or ``<plugin>.<verb>``.

    ``roles`` are the built-in roles that have it from the start. ``comes_with`` names the permission with which every
    role has it: to see deals is to see the stages they stand in.
    """

    name: str
    label: Label
    roles: tuple[str, ...] = (ADMINISTRATOR,)
    comes_with: str = ""


RECORD_VERBS = ("see", "create", "edit", "delete", "export", "import", "bulk")


def record_permissions(record_type: str, label: Label, roles: tuple[str, ...] = EVERYONE) -> list[Permission]:
    """The permissions that every record type with a screen needs, one per verb.

    Args:
        record_type: ``<plugin>.<type>``.
        label: what the records are called, in the plural.
        roles: the built-in roles that may do all of it.
    """
    return [Permission(f"{record_type}.{verb}", label, roles) for verb in RECORD_VERBS]


@dataclass(frozen=True)
class MenuItem:
    """A line of the side menu; lighter items come first within their section.

    ``key`` is the Latin letter that opens it after G, by its place on the keyboard.
    """

    label: Label
    endpoint: str
    permission: str | None = None
    section: Label = ""
    icon: str = "list"
    weight: int = 50
    values: Mapping[str, Any] = field(default_factory=dict)
    key: str = ""


@dataclass(frozen=True, kw_only=True)
class Command:
    """A line of the palette that opens a page; the menu, and what every screen can do, are there by themselves.

    ``words`` are further words by which it is found, ``anchor`` the id of an element on the page, ``setting`` puts it
    among the settings.
    """

    label: Label
    endpoint: str
    permission: str | None = None
    icon: str = "command"
    values: Mapping[str, Any] = field(default_factory=dict)
    anchor: str = ""
    words: Label = ""
    setting: bool = False


@dataclass(frozen=True)
class FieldGroup:
    """A titled group of fields on a form and on the record page."""

    label: Label
    fields: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Column:
    """A computed column of a list that is no field of the record type.

    ``load`` gets the records of one page and returns a mapping of record id to value, so that a column never costs a
    query per row.

    ``query``, where there is one, says the same as a statement that needs no records: it gets a function that narrows
    a column of ids to those asked for, and selects pairs of id and value, of which the last of an id counts. An export
    asks it about thousands of records at a time; for ``load`` it must read each of them whole.
    """

    name: str
    label: Label
    load: Callable[[Sequence[Any]], Mapping[int, Any]]
    kind: str = "text"
    query: Callable[[Callable[[Any], Any]], Any] | None = None


@dataclass(frozen=True)
class Hint:
    """A short remark on a card of a board, such as the next step; ``warn`` colours it."""

    text: Label
    warn: bool = False
    icon: str = "clock"


@dataclass(frozen=True, kw_only=True)
class Board:
    """How a screen is shown as a board: fine tuning, for every screen with a choice, a user or a stage has one anyway.

    ``lane`` names a choice field or a link to a record type whose rows are the lanes (``order`` and ``scope`` are
    attributes of that type: the position of a lane, and the link that splits lanes into separate boards).
    ``amount`` and ``probability`` (percent) name number fields summed per lane. ``move`` puts a record
    into the lane of a key with the values that were asked for; ``ask`` gets the record and the lane's key and returns
    the names of fields that must be asked for first. ``since`` names the moment a record came into its lane, empty for
    one that does not age. ``hints`` gets what is shown, of each record its ``id`` and its ``hint_fields``, which are
    columns, and returns remarks by id.
    """

    lane: str
    amount: str | None = None
    probability: str | None = None
    date: str | None = None
    subtitle: str | None = None
    since: str | None = None
    order: str | None = None
    scope: str | None = None
    page_size: int = 20
    move: Callable[[Any, Any, Mapping[str, Any]], None] | None = None
    ask: Callable[[Any, Any], tuple[str, ...]] | None = None
    hints: Callable[[Sequence[Any]], Mapping[int, Hint]] | None = None
    hint_fields: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class DuplicateRule:
    """Records with the same value may be one and the same.

    ``field`` names a column with an index, of the record or of its rows (``emails.address``); numbers of telephones and
    e-mail addresses are compared in their stored form. ``weight`` is how sure that makes it, from 1 to 100; several
    rules add up. ``reason`` is a sentence, in which ``%(value)s`` is what both have. ``typed`` gives the value of a
    computed column out of what stands in a form, or "" while there is too little.
    """

    field: str
    weight: int
    reason: Label
    typed: Callable[[Mapping[str, str]], str] | None = None


@dataclass(frozen=True, kw_only=True)
class ImportColumn:
    """A column that an import understands. ``parse`` turns the cell's text into a value or raises ``ValueError``.

    ``group`` is the heading under which it is offered.
    """

    name: str
    label: Label
    synonyms: tuple[str, ...] = ()
    parse: Callable[[str], Any] | None = None
    required: bool = False
    sample: str = ""
    group: Label = ""


@dataclass(frozen=True, kw_only=True)
class ImportHints:
    """What the import of a record type knows beyond the Catalog, which gives it a column for every field.

    ``synonyms`` are more titles by which a column is recognised, ``samples`` examples of its cells and ``parse`` ways
    to read it, each by the column's name; rows of parts are called ``phones.mobile.number``, ``phones.1.number``, and
    in ``parse`` also ``phones.label`` for all of them. ``columns`` are columns that are no field: ``settle`` gets the
    values of a row by field, theirs included, and brings them in order, or raises ``ValueError`` with the reason why it
    cannot be imported; like ``parse`` it runs ahead of the import, in a thread without its session. ``derived`` names
    fields that follow from others and cannot be chosen, ``together`` those of which a record that has one is not given
    another. ``recognise`` maps whole headers that it knows, position to column. ``keys`` are the fields by which a row
    is told to be a record that exists, in their order; ``agree`` gets a row's values, the record's name, the key and
    its value, and may say that the two are different all the same.
    """

    synonyms: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    samples: Mapping[str, str] = field(default_factory=dict)
    parse: Mapping[str, Callable[[str], Any]] = field(default_factory=dict)
    columns: tuple[ImportColumn, ...] = ()
    derived: tuple[str, ...] = ()
    together: tuple[str, ...] = ()
    settle: Callable[[dict[str, Any]], None] | None = None
    recognise: Callable[[Sequence[str]], Mapping[int, str]] | None = None
    keys: tuple[str, ...] = ()
    agree: Callable[[Mapping[str, Any], str, str, Any], bool] | None = None


@dataclass(frozen=True, kw_only=True)
class Screen:
    """The description from which the admin builds list, form, board and record page of one record type.

    ``key`` is the Latin letter that opens the list after G. ``sign`` is the sign by which the palette looks here: ``@``
    for people, ``#`` for tags.
    """

    model: type
    title: Label
    plural: Label
    columns: tuple[str, ...]
    form: tuple[FieldGroup, ...]
    icon: str = "list"
    section: Label = ""
    weight: int = 50
    filters: tuple[str, ...] = ()
    search: tuple[str, ...] = ()
    editable: tuple[str, ...] = ()
    order: str | None = None
    descending: bool = False
    subtitle: Callable[[Any], str] | None = None
    children: tuple[str, ...] = ()
    computed: tuple[Column, ...] = ()
    actions: tuple[Action, ...] = ()
    board: Board | None = None
    importing: ImportHints = ImportHints()
    duplicates: tuple[DuplicateRule, ...] = ()
    page_size: int = 25
    in_menu: bool = True
    key: str = ""
    sign: str = ""

    @property
    def name(self) -> str:
        """The record type's name, ``<plugin>.<type>``."""
        return str(self.model.__record_type__)  # type: ignore[attr-defined]

    @property
    def endpoint(self) -> str:
        """The Flask-Admin endpoint, ``<plugin>_<type>``."""
        return self.name.replace(".", "_")

    def permission(self, verb: str) -> str:
        """The permission that ``verb`` on this record type needs."""
        return f"{self.name}.{verb}"

    def with_column(self, column: Column, *, before: str | None = None) -> Screen:
        """A copy with a computed column, at the end or before another column."""
        names = list(self.columns)
        names.insert(names.index(before) if before in names else len(names), column.name)
        return replace(self, columns=tuple(names), computed=(*self.computed, column))

    def with_action(self, action: Action) -> Screen:
        """A copy with one more bulk action."""
        return replace(self, actions=(*self.actions, action))

    def without(self, *columns: str) -> Screen:
        """A copy that does not list the named columns."""
        return replace(self, columns=tuple(name for name in self.columns if name not in columns))


@dataclass(frozen=True, kw_only=True)
class Action:
    """A verb on chosen records. ``run`` gets the records and returns the sentence shown afterwards."""

    name: str
    label: Label
    run: Callable[[Sequence[Any]], str]
    verb: str = "edit"
    confirm: Label | None = None


@dataclass(frozen=True, kw_only=True)
class Panel:
    """A block on a record page, rendered from the plugin's own ``template`` with ``context``."""

    title: Label
    template: str
    context: Mapping[str, Any] = field(default_factory=dict)
    slot: str = "side"
    weight: int = 50


@dataclass(frozen=True, kw_only=True)
class Report:
    """A question about all records of a type: what is counted or summed, and by what.

    ``filters`` are arguments of the list's address. ``group`` and ``split`` name a choice, a link, a date or yes-or-no
    field; without ``group`` there is one number. A date is grouped by periods of the reader's calendar, ``every`` week,
    month, quarter or year: ``span`` ``past`` ends with the current one, ``future`` begins with it, ``around`` has it in
    the middle. ``measure`` is ``count``, or ``sum``, ``average`` or ``weighted`` of the field
    ``number``, weighted by the per cents in ``weight``. ``chart`` is ``bar``, ``line``, ``doughnut``, ``number`` or
    ``table``; a ``number`` by a date compares the current period with the one before.
    """

    record_type: str
    filters: Mapping[str, str] = field(default_factory=dict)
    group: str = ""
    split: str = ""
    every: str = "month"
    span: str = "past"
    measure: str = "count"
    number: str = ""
    weight: str = ""
    chart: str = "bar"


@dataclass(frozen=True, kw_only=True)
class Card:
    """A block for dashboards, on everybody's home page unless ``at_home`` is off.

    ``load`` runs when the page is shown and returns the template's context, or None to leave the card out; a card with
    a ``report`` needs neither template nor ``load``. ``name``, ``<plugin>.<name>``, is how it is remembered; left out,
    it is the template's.
    """

    title: Label
    template: str = ""
    load: Callable[[], Mapping[str, Any] | None] | None = None
    permission: str | None = None
    weight: int = 50
    wide: bool = False
    report: Report | None = None
    name: str = ""
    at_home: bool = True

    @property
    def key(self) -> str:
        """The name by which it is remembered where somebody put it."""
        return self.name or self.template.removesuffix(".html").replace("/", ".")


# What becomes of personal data when somebody is erased: its rows go, their values are emptied, or it stays.
REMOVED, EMPTIED, KEPT = "removed", "emptied", "kept"


@dataclass(frozen=True, kw_only=True)
class PersonalData:
    """What a plugin holds about one person in one place.

    ``name`` is its name in a downloaded file, ``columns`` maps the names of its values to their labels and ``rows`` are
    the values as texts. ``fate`` is ``REMOVED``, ``EMPTIED`` or ``KEPT``; ``outcome`` says it in a sentence, and why
    something stays. ``erase`` does it in the session's unit of work, with the rights of whoever asks; it is None for
    what stays. ``records`` are the ids of the records concerned, by their type: their past is hidden afterwards.
    ``own`` is the record whose own values these are.
    """

    name: str
    title: Label
    columns: Mapping[str, Label]
    rows: Sequence[Mapping[str, str]]
    fate: str
    outcome: Label
    erase: Callable[[], None] | None = None
    records: Mapping[str, Sequence[int]] = field(default_factory=dict)
    own: Any = None


@dataclass(frozen=True, kw_only=True)
class Job:
    """A named function run by a worker.

    ``run`` gets a ``core.jobs.progress.Progress`` and the keyword arguments given to ``enqueue``. ``timeout`` and the
    pause before another attempt (``retry_after``, doubled each time) are in seconds.
    """

    name: str
    run: Callable[..., Any]
    label: Label
    queue: str = "default"
    attempts: int = 3
    timeout: int = 600
    retry_after: int = 10


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """A job run again and again, ``every`` so many seconds, counted from midnight UTC."""

    job: str
    every: int
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Event:
    """A fact about a record, as ``on_event`` hears it after the commit.

    ``name`` is ``<plugin>.<type>.created|updated|deleted|restored`` or a plugin's own; ``id`` grows with time and is
    the key for doing a thing once.
    """

    id: int
    name: str
    record_type: str
    record_id: int | None
    data: Mapping[str, Any]
    actor_id: int | None


Function = TypeVar("Function", bound=Callable[..., Any])


def concerns(*models: type, detached: tuple[type, ...] = ()) -> Callable[[Function], Function]:
    """Ask an implementation about records of these classes only; other records cost it nothing.

    Args:
        models: the record classes.
        detached: those of them about which it reads nothing but the record's own values, so that an import may ask
            about records in thousands, before any of them is in a session.
    """

    def mark(function: Function) -> Function:
        function.concerns = models  # type: ignore[attr-defined]
        function.detached = detached  # type: ignore[attr-defined]
        return function

    return mark


# How somebody can be told: in the inbox only, by mail at once, in one mail a day, or not at all.
APP, MAIL, DIGEST, OFF = CHANNELS = ("app", "mail", "digest", "off")


@dataclass(frozen=True, kw_only=True)
class NotificationType:
    """Something people are told of, named ``<plugin>.<what>``; each of them chooses how.

    ``texts`` are sentences by a short name, with ``%(name)s`` where values of the notification go; ``%(record)s`` is
    the record it is about. ``prepare`` turns the stored values into what the sentence shows, in the reader's language.
    ``endpoint`` is the page a notification without a record leads to.
    """

    name: str
    label: Label
    texts: Mapping[str, Label]
    channel: str = APP
    icon: str = "bell"
    prepare: Callable[[Mapping[str, Any]], Mapping[str, Any]] | None = None
    endpoint: str = ""


def hears(wanted: Callable[[Event], bool]) -> Callable[[Function], Function]:
    """Tell an implementation of ``on_event`` only of events for which ``wanted`` is true; others cost it nothing.

    Args:
        wanted: looks at nothing but the event. Of many imported records it is asked before their events have an ``id``.
    """

    def mark(function: Function) -> Function:
        function.hears = wanted  # type: ignore[attr-defined]
        return function

    return mark
