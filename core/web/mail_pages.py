"""Mail, for administrators: the server it goes through, a mail to try it, and what did not arrive."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, Response, abort, flash, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup
from werkzeug.wrappers import Response as BaseResponse

from core.accounts.actor import acting, as_system
from core.accounts.models import User
from core.database.secrets import Secrets
from core.errors import ConfigError, SecretError, ValidationError
from core.jobs.queue import enqueue
from core.mail.models import DONE, FAILED, IN_DOUBT, MAILS, QUEUED, STARTED
from core.mail.outbox import SEND_MAIL, send_mail
from core.mail.server import FIELDS, PASSWORD, has_server, known_server, remove_server, save_server
from core.parts import ADMINISTRATOR, Permission
from core.site.reader import preferences
from core.site.site import current_site, session
from core.web.accounts import typed

MANAGE_MAIL = Permission("core.mail.manage", _l("Look after mail"), (ADMINISTRATOR,))
SHOWN = 100
STATES = {
    QUEUED: (_l("Waiting"), "gray"),
    STARTED: (_l("On its way"), "blue"),
    DONE: (_l("Sent"), "green"),
    FAILED: (_l("Refused"), "rose"),
    IN_DOUBT: (_l("In doubt"), "amber"),
}

SECURITY_LABELS = (
    ("starttls", _l("STARTTLS, usually port 587")),
    ("tls", _l("TLS from the start, usually port 465")),
    ("none", _l("None, for a server on the same machine")),
)

mail_pages = Blueprint("mail", __name__, url_prefix="/admin/mail")


@mail_pages.before_request
def administrators_only() -> None:
    """Hide the pages from whoever may not look after mail."""
    if not acting().may(MANAGE_MAIL.name):
        abort(404)


@mail_pages.get("/")
def listing() -> Response:
    """The settings in force, and the last mails; ``?show=`` leaves only those in one state."""
    show = request.args.get("show", "")
    if show and show not in STATES:
        abort(400)
    statement = sa.select(MAILS).order_by(MAILS.c.id.desc()).limit(SHOWN)
    rows = session.execute(statement.where(MAILS.c.state == show) if show else statement).all()
    server = known_server(session, current_site().runtime.config)
    html = render_template("core/mail.html", mails=rows, states=STATES, show=show, server=server)
    return make_response(html)


@mail_pages.get("/server")
def server() -> Response:
    """The form of the mail server; of its password only whether there is one."""
    return _server()


@mail_pages.post("/server")
def change_server() -> BaseResponse:
    """Store the mail server, or forget it."""
    config = current_site().runtime.config
    if config.smtp_host:
        abort(404)
    if request.form.get("action") == "remove":
        remove_server(session)
        session.commit()
        flash(_("Mail is off now."), "success")
        return redirect(url_for("mail.listing"), 303)
    try:
        save_server(session, config, {name: typed(name) for name in (*FIELDS, "password")})
    except ValidationError as error:
        session.rollback()
        return _server(errors=error.errors, values=request.form, status=422)
    except (SecretError, ConfigError) as error:
        session.rollback()
        return _server(errors={"password": str(error)}, values=request.form, status=422)
    session.commit()
    flash(_("The mail server is saved. Send yourself a test mail."), "success")
    return redirect(url_for("mail.listing"), 303)


def _server(
    *, errors: Mapping[str, Any] | None = None, values: Mapping[str, str] | None = None, status: int = 200
) -> Response:
    known = known_server(session, current_site().runtime.config)
    shown = {"host": "", "port": "587", "security": "starttls", "user_name": "", "sender": ""}
    if known is not None:
        shown = {
            "host": known.host,
            "port": str(known.port),
            "security": known.security,
            "user_name": known.user,
            "sender": known.sender,
        }
    html = render_template(
        "core/mail_server.html", server=known, values=shown | dict(values or {}), errors=errors or {},
        securities=SECURITY_LABELS, has_password=known is not None and Secrets.has(session, PASSWORD),
    )  # fmt: skip
    return make_response(html, status)


@mail_pages.post("/test")
def test() -> BaseResponse:
    """Send a mail to whoever asks."""
    user = session.get(User, acting().user_id)
    if user is None or not has_server(session, current_site().runtime.config):
        abort(404)
    text = _("This is a test. If you can read it, Peyvand can send mail.")
    send_mail(
        session,
        key=f"test-{uuid.uuid4().hex}",
        address=user.email,
        subject=_("A test of mail"),
        text=text,
        html=str(Markup("<p>{}</p>").format(text)),
        language=preferences().language,
        user_id=user.id,
    )
    session.commit()
    flash(_("A test mail to %(address)s is on its way. Its state is below.", address=user.email), "success")
    return redirect(url_for("mail.listing"), 303)


@mail_pages.post("/<int(max=9223372036854775807):number>/again")
def again(number: int) -> BaseResponse:
    """Send a mail again that was refused or is in doubt; whoever asks has decided that twice is better than never."""
    again_ = (
        sa.update(MAILS)
        .where(MAILS.c.id == number, MAILS.c.state.in_((FAILED, IN_DOUBT)), MAILS.c.private.is_(False))
        .values(state=QUEUED, error="", ended_at=None)
        .returning(MAILS.c.key)
    )
    key = session.execute(again_).scalar()
    if key is None:
        abort(404)
    with as_system("mail"):
        enqueue(SEND_MAIL, key=f"again-{uuid.uuid4().hex}", mail=key)
    session.commit()
    flash(_("The mail is tried again."), "success")
    return redirect(url_for("mail.listing"), 303)
