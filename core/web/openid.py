"""Sign-in through a provider of OpenID Connect: on the way there, and on the way back."""

from __future__ import annotations

import logging
from typing import Any

from flask import Blueprint, abort, flash, redirect, request, session, url_for
from flask.sansio.blueprints import BlueprintSetupState
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from core.accounts.actor import as_system
from core.accounts.acts import SIGN_IN_FAILED, note
from core.accounts.entering import enter
from core.accounts.openid import ProviderError, provider_of
from core.accounts.outside import user_of
from core.accounts.security import accounts, before_enrolment, public
from core.errors import Blocked
from core.web.accounts import local_path

COOKIE_KEY = "openid"  # under which the signed cookie keeps what has to come back

log = logging.getLogger(__name__)
openid_pages = Blueprint("openid", __name__)


@openid_pages.get("/sign-in/openid")
@public
@before_enrolment
def leave() -> Response:
    """Send the browser to the provider. Only its own cookie is changed, so a link may lead here."""
    if not accounts().config.oidc_issuer:
        abort(404)
    try:
        address, kept = provider_of(accounts().config).begin(_back())
    except ProviderError as error:
        return _failed(error)
    session[COOKIE_KEY] = kept | {"next": local_path(request.args.get("next"))}
    return redirect(address)


@openid_pages.get("/sign-in/openid/back")
@public
@before_enrolment
def come_back() -> Response:
    """Sign in whoever the provider says it is, if it is said to the browser that asked."""
    config, kept = accounts().config, session.pop(COOKIE_KEY, None)
    if not config.oidc_issuer:
        abort(404)
    if not isinstance(kept, dict):
        return _failed(ProviderError("This browser was not sent to the provider."))
    arguments: dict[str, str] = {name: request.args[name] for name in request.args}
    try:
        claims = provider_of(config).finish(kept, arguments, _back())
    except ProviderError as error:
        return _failed(error)
    work = accounts().database.session()
    with as_system("sign-in", source="web"):
        try:
            user = user_of(work, config, claims)
        except Blocked as reason:
            work.rollback()
            note(work, SIGN_IN_FAILED, None, {"issuer": (None, claims.issuer)})
            work.commit()
            flash(str(reason), "danger")
            return redirect(url_for("security.login"))
        work.commit()
    return enter(work, user, local_path(kept.get("next")))


def _back() -> str:
    """The address to which the provider sends the browser: of the configuration, whatever a request says."""
    return f"{accounts().config.public_url}/sign-in/openid/back"


def _failed(error: ProviderError) -> Response:
    # What went wrong is for whoever runs the installation; a stranger would learn from it what to try next.
    log.warning("Sign-in through the provider failed: %s", error)
    label = accounts().config.oidc_label
    flash(_("The sign-in through %(provider)s did not work. Please try again.", provider=label), "danger")
    return redirect(url_for("security.login"))


@openid_pages.record
def _add_label(state: BlueprintSetupState) -> None:
    def label() -> Any:
        config = accounts().config
        return config.oidc_label if config.oidc_issuer else ""

    state.app.jinja_env.globals["openid_label"] = label
