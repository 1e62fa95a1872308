"""The API as OpenAPI 3.1: what there is for one token, told from the Catalog."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from core import Resource, __version__
from plugins.api.body import KEY_HEADER

JSON = "application/json"
PROBLEM = "application/problem+json"
LIMIT = {"type": "integer", "minimum": 1, "maximum": Resource.LARGEST_PAGE, "default": Resource.USUAL_PAGE}

_LINK = {
    "type": "object",
    "properties": {"id": {"type": "integer"}, "name": {"type": "string", "readOnly": True}},
    "required": ["id"],
}
_KINDS: Mapping[str, Mapping[str, Any]] = {
    "integer": {"type": "integer"},
    "decimal": {"type": ["string", "number"], "description": "A decimal number."},
    "money": {"type": "string", "pattern": r"^-?\d{1,15}(\.\d{1,10})?$", "examples": ["12500000.00"]},
    "boolean": {"type": "boolean"},
    "date": {"type": "string", "format": "date"},
    "datetime": {"type": "string", "format": "date-time"},
    "email": {"type": "string", "format": "email"},
    "url": {"type": "string", "format": "uri"},
    "phone": {"type": "string", "examples": ["+989121234567"]},
    "link": _LINK,
    "links": {"type": "array", "items": _LINK},
    "json": {},
}
_PROBLEM_SCHEMA = {
    "type": "object",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "place": {"type": "string", "description": "Which part of the request is wrong."},
        "errors": {
            "type": "object",
            "additionalProperties": {"type": "string"},
            "description": "What is wrong with values, by field; an empty name is the record as a whole.",
        },
        "request_id": {"type": "string"},
    },
}
_PARAMETERS = {
    "id": {"name": "id", "in": "path", "required": True, "schema": {"type": "integer", "minimum": 1}},
    "where": {
        "name": "where", "in": "query", "schema": {"type": "string"},
        "description": "A condition as JSON.", "examples": {
            "city": {"value": '{"field": "city", "op": "eq", "value": "Shiraz"}'},
        },
    },
    "search": {"name": "search", "in": "query", "schema": {"type": "string", "maxLength": 400}},
    "sort": {
        "name": "sort", "in": "query", "schema": {"type": "string"},
        "description": "Fields with commas, a minus before those that fall; without it the newest come first.",
    },
    "fields": {"name": "fields", "in": "query", "schema": {"type": "string"}, "description": "Fields with commas."},
    "limit": {"name": "limit", "in": "query", "schema": LIMIT},
    "after": {
        "name": "after", "in": "query", "schema": {"type": "string"},
        "description": "Where the page before said that this one begins.",
    },
    "if_match": {
        "name": "If-Match", "in": "header", "schema": {"type": "string"},
        "description": "The ETag of the version that is known; 412 when it is another one by now.",
    },
    "key": {
        "name": KEY_HEADER, "in": "header", "schema": {"type": "string", "maxLength": 255},
        "description": "A name of this request; the same name gives the same record.",
    },
}  # fmt: skip


def describe(found: Iterable[Resource], server: str) -> dict[str, Any]:
    """The document for whoever may see ``found``.

    Args:
        found: the record types.
        server: the path under which the addresses lie.
    """
    schemas: dict[str, Any] = {"problem": _PROBLEM_SCHEMA}
    paths: dict[str, Any] = {}
    for resource in found:
        schemas[resource.name] = _schema(resource, writing=False)
        if resource.may("create") or resource.may("edit"):
            schemas[f"{resource.name}.write"] = _schema(resource, writing=True)
        paths[f"/records/{resource.name}"] = _list_path(resource)
        paths[f"/records/{resource.name}/{{id}}"] = _record_path(resource)
        links = [name for name, field in resource.writable.items() if field.kind in ("link", "links")]
        if links:
            paths[f"/records/{resource.name}/links/{{field}}"] = _choices_path(resource, links)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Peyvand", "version": __version__},
        "servers": [{"url": server}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": schemas,
            "parameters": _PARAMETERS,
            "responses": {
                "problem": {
                    "description": "It was refused; the answer says why.",
                    "content": {PROBLEM: {"schema": _ref("schemas", "problem")}},
                }
            },
        },
    }


def _ref(folder: str, name: str) -> dict[str, str]:
    return {"$ref": f"#/components/{folder}/{name}"}


def _list_path(resource: Resource) -> dict[str, Any]:
    names = ("where", "search", "sort", "fields", "limit", "after")
    page = {
        "type": "object",
        "properties": {
            "data": {"type": "array", "items": _ref("schemas", resource.name)},
            "after": {"type": ["string", "null"]},
            "next": {"type": ["string", "null"], "description": "The address of the next page."},
        },
        "required": ["data", "after", "next"],
    }
    path = {"get": _operation(resource, "list", 200, page, [_ref("parameters", name) for name in names])}
    if resource.may("create"):
        made = _operation(resource, "create", 201, _ref("schemas", resource.name), [_ref("parameters", "key")])
        made["responses"]["200"] = made["responses"]["201"] | {"description": "It was made by an earlier request."}
        path["post"] = made | {"requestBody": _body(resource, ())}
    return path


def _record_path(resource: Resource) -> dict[str, Any]:
    one = _ref("schemas", resource.name)
    path: dict[str, Any] = {"parameters": [_ref("parameters", "id")], "get": _operation(resource, "read", 200, one)}
    known = [_ref("parameters", "if_match")]
    if resource.may("edit"):
        path["patch"] = _operation(resource, "change", 200, one, known) | {"requestBody": _body(resource, ("version",))}
    if resource.may("delete"):
        path["delete"] = _operation(resource, "delete", 204, None, known)
    return path


def _choices_path(resource: Resource, links: Iterable[str]) -> dict[str, Any]:
    found = {"type": "object", "properties": {"data": {"type": "array", "items": _LINK}}, "required": ["data"]}
    link = {"name": "field", "in": "path", "required": True, "schema": {"enum": list(links)}}
    return {"get": _operation(resource, "choices", 200, found, [link, _ref("parameters", "search")])}


def _operation(
    resource: Resource, verb: str, status: int, content: Any, parameters: Iterable[Any] = ()
) -> dict[str, Any]:
    done: dict[str, Any] = {"description": "Done."}
    if content is not None:
        done["content"] = {JSON: {"schema": content}}
    return {
        "operationId": f"{resource.name}.{verb}",
        "tags": [resource.name],
        "parameters": list(parameters),
        "responses": {str(status): done, "default": _ref("responses", "problem")},
    }


def _body(resource: Resource, besides: Iterable[str]) -> dict[str, Any]:
    schema: dict[str, Any] = _ref("schemas", f"{resource.name}.write")
    for name in besides:
        schema = {"allOf": [schema, {"properties": {name: {"type": "integer"}}}]}
    return {"required": True, "content": {JSON: {"schema": schema}}}


def _schema(resource: Resource, *, writing: bool) -> dict[str, Any]:
    fields = resource.writable if writing else resource.readable
    return {
        "type": "object",
        "title": str(resource.record_type.title),
        "properties": {name: _value(resource, field) for name, field in fields.items()},
    }


def _value(resource: Resource, field: Any) -> dict[str, Any]:
    """The schema of one value; what may be empty may be null."""
    if field.kind == "children":
        parts = {name: _value(resource, part) for name, part in resource.parts_of(field).items()}
        row = {"type": "object", "properties": {"id": {"type": "integer"}, **parts}}
        return {"type": "array", "items": row, "title": str(field.label)}
    told = dict(_KINDS.get(field.kind, {"type": "string"}))
    if field.max_length:
        told["maxLength"] = field.max_length
    if field.options:
        told["enum"] = [option.code for option in field.options]
    told["title"] = str(field.label)
    if field.required or field.kind in ("links", "json") or field.name in ("id", "version"):
        return told
    return {"anyOf": [told, {"type": "null"}], "title": told.pop("title")}
