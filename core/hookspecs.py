"""Every hook a plugin may implement. One line each; ``docs/hooks.md`` tells the rest."""

import pluggy

NAMESPACE = "peyvand"
hookspec = pluggy.HookspecMarker(NAMESPACE)
hookimpl = pluggy.HookimplMarker(NAMESPACE)

# --- collect: asked while a Site is built; an error quarantines the plugin in that Site


@hookspec
def permissions():
    """Rights this plugin defines: a list of ``Permission``."""


@hookspec
def screens(site):
    """Record types shown in the admin: a list of ``Screen``."""


@hookspec
def extend_screen(screen):
    """Another plugin's screen, changed: a ``Screen`` (see ``Screen.with_column``), or None to leave it."""


@hookspec
def menu_items(site):
    """Lines of the side menu that are not screens: a list of ``MenuItem``."""


@hookspec
def commands(site):
    """Lines of the palette that are neither in the menu nor what every screen offers: a list of ``Command``."""


@hookspec
def blueprints(site):
    """Routes under ``/<plugin>/``: a list of Flask blueprints named after the plugin."""


@hookspec
def dashboard_cards(site):
    """Blocks of the home page: a list of ``Card``."""


@hookspec
def jobs():
    """Functions for the queue: a list of ``Job``."""


@hookspec
def schedules():
    """Jobs that run again and again: a list of ``Schedule``."""


@hookspec
def notification_types():
    """Things people are told of, each by the channel of their choice: a list of ``NotificationType``."""


# --- notify: called at run time; an error is logged with the plugin's name and the others go on


@hookspec
def on_event(event):
    """A fact was committed; runs in a worker, at least once per event."""


@hookspec
def record_panels(record):
    """Blocks for the page of this record: a list of ``Panel``, or None."""


@hookspec
def timeline(query):
    """What happened to the records of a ``StoryQuery``: a list of ``TimelineEntry``, newest first, from one query."""


@hookspec
def upcoming(records, limit):
    """What is due next about these records: at most ``limit`` ``Upcoming``, earliest first, from one query."""


@hookspec
def channels(record):
    """Tabs of the composer on the page of this record: a list of ``Channel``, or None."""


@hookspec
def demo_data(session):
    """Add sample records in the current language; called once by ``peyvand demo``."""


# --- veto: an error denies or aborts


@hookspec
def before_save(record, changes):
    """A record is about to be written; raise ``ValidationError`` to refuse. ``changes`` maps field to (old, new)."""


@hookspec
def before_delete(record):
    """A record is about to be deleted; raise ``Blocked`` to refuse."""


@hookspec
def can(actor, permission, record):
    """False denies, None abstains; asked after the roles have granted."""


@hookspec
def personal_data(record):
    """What this plugin holds about the person that ``record`` stands for: a list of ``PersonalData``, or None."""


@hookspec
def query_filter(model, actor):
    """An SQL criterion added to every query of ``model``, or None."""


# --- lifecycle: runs inside the operation's transaction; an error rolls it back


@hookspec
def after_install(session):
    """The plugin's tables were just made: add the rows it cannot live without. Must bear being repeated."""
