"""The addresses under /api/v1: lists and single records of every type, and the description of it all."""

from __future__ import annotations

import json
from contextlib import ExitStack
from typing import Any

from flask import Blueprint, Response, abort, current_app, g, request, url_for
from flask_babel import gettext as _
from werkzeug.exceptions import MethodNotAllowed, NotFound
from werkzeug.routing import RequestRedirect

from core import (
    NotUnderstood,
    Resource,
    User,
    acting,
    for_tokens,
    reading_as,
    request_id,
    resource_named,
    resources_seen,
    session,
)
from plugins.api.body import read_key, read_object
from plugins.api.description import describe

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")

api = Blueprint("api", __name__, url_prefix="/api")


@api.before_request
def read_as_owner() -> None:
    """Days, time zone and the words of errors are those of the token's owner."""
    g.api_reader = ExitStack()
    g.api_reader.enter_context(reading_as(session.get(User, acting().user_id)))


@api.teardown_request
def forget_owner(_error: BaseException | None) -> None:
    """Undo ``read_as_owner``."""
    reader: ExitStack | None = g.pop("api_reader", None)
    if reader is not None:
        reader.close()


@api.after_request
def mark(response: Response) -> Response:
    """Give every answer its number; it is kept nowhere, as the right to read it may end."""
    response.headers["X-Request-Id"] = request_id()
    response.headers["Cache-Control"] = "no-store"
    if request.method == "OPTIONS":
        response.headers["Allow"] = ", ".join((*_allowed(), "HEAD", "OPTIONS"))
    return response


@api.get("/v1/openapi.json")
@for_tokens
def openapi() -> Response:
    """What there is, for this token, as OpenAPI 3.1."""
    _no_arguments()
    return _answer(describe(resources_seen(), url_for("api.types").removesuffix("/records")))


@api.get("/v1/records")
@for_tokens
def types() -> Response:
    """The record types."""
    _no_arguments()
    found = [
        {
            "name": resource.name,
            "title": str(resource.record_type.title),
            "plural": str(resource.record_type.plural),
            "url": url_for("api.listing", record_type=resource.name),
            "may": [verb for verb in ("create", "edit", "delete") if resource.may(verb)],
        }
        for resource in resources_seen()
    ]
    return _answer({"data": found})


@api.get("/v1/records/<record_type>")
@for_tokens
def listing(record_type: str) -> Response:
    """A page of records."""
    resource = resource_named(record_type)
    found, after = resource.page(dict(request.args.lists()))
    following = None
    if after:
        asked: dict[str, Any] = {name: text for name, text in request.args.items() if name != "after"}
        following = url_for("api.listing", record_type=resource.name, **asked, after=after)
    return _answer({"data": found, "after": after or None, "next": following})


@api.post("/v1/records/<record_type>")
@for_tokens
def create(record_type: str) -> Response:
    """Make a record; with an ``Idempotency-Key`` once, however often it is sent."""
    _no_arguments()
    resource = resource_named(record_type)
    record, made = resource.create(read_object(), read_key())
    where = url_for("api.one", record_type=resource.name, number=record.id)
    return _one(resource, record.id, 201 if made else 200, Location=where)


@api.get("/v1/records/<record_type>/<number>")
@for_tokens
def one(record_type: str, number: str) -> Response:
    """One record."""
    _no_arguments()
    return _one(resource_named(record_type), number)


@api.patch("/v1/records/<record_type>/<number>")
@for_tokens
def change(record_type: str, number: str) -> Response:
    """Change some fields of a record, if it still is of the version that is named."""
    _no_arguments()
    resource = resource_named(record_type)
    record, data = resource.find(number), read_object()
    _hold_to_version(record, data)
    resource.change(record, data)
    return _one(resource, record.id)


@api.delete("/v1/records/<record_type>/<number>")
@for_tokens
def remove(record_type: str, number: str) -> Response:
    """Put a record in the recycle bin."""
    _no_arguments()
    resource = resource_named(record_type)
    record = resource.find(number)
    _hold_to_version(record, {})
    resource.remove(record)
    return Response(status=204)


@api.get("/v1/records/<record_type>/links/<field>")
@for_tokens
def choices(record_type: str, field: str) -> Response:
    """To which records a link may lead: the first ones that hold the words of ``search``."""
    unknown = next((name for name in request.args if name != "search"), None)
    if unknown is not None:
        raise NotUnderstood(unknown[:80], _("There is no such argument."))
    return _answer({"data": resource_named(record_type).choices(field, request.args.get("search", ""))})


@api.route("/", defaults={"rest": ""}, methods=METHODS, strict_slashes=False)
@api.route("/<path:rest>", methods=METHODS)
@for_tokens
def nothing(rest: str) -> Response:
    """Whatever else is asked for under this address, so that the refusal is one that programs read."""
    allowed = _allowed()
    if allowed:
        raise MethodNotAllowed(valid_methods=allowed)
    abort(404)


def _allowed() -> list[str]:
    """The methods that lead somewhere at the address of this request."""
    return [method for method in METHODS if _leads_somewhere(method)]


def _leads_somewhere(method: str) -> bool:
    adapter = current_app.create_url_adapter(request)
    try:
        return adapter is not None and adapter.match(method=method)[0] != "api.nothing"
    except (NotFound, MethodNotAllowed, RequestRedirect):
        return False


def _hold_to_version(record: Any, data: dict[str, Any]) -> None:
    """Refuse when the program knows another version: 412 by the header, 409 by the field, which is taken out."""
    if request.headers.get("If-Match") and not request.if_match.contains(str(record.version)):
        abort(412)
    if "version" in data:
        version = data.pop("version")
        if not isinstance(version, int) or isinstance(version, bool):
            raise NotUnderstood("version", _("A whole number is expected."))
        if version != record.version:
            abort(409)


def _no_arguments() -> None:
    name = next(iter(request.args), None)
    if name is not None:
        raise NotUnderstood(name[:80], _("There is no such argument."))


def _one(resource: Resource, number: object, status: int = 200, **headers: str) -> Response:
    session.expire_all()  # values as they are stored, not as they were sent
    record = resource.find(str(number))
    return _answer(resource.told(record), status, ETag=f'"{record.version}"', **headers)


def _answer(content: dict[str, Any], status: int = 200, **headers: str) -> Response:
    text = json.dumps(content, ensure_ascii=False) + "\n"
    return Response(text, status, mimetype="application/json", headers=headers)
