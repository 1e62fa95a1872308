"""The description of the API is valid, and true of what the addresses answer."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from core.testing.installation import TestInstallation
from tests.api.conftest import Program


@pytest.fixture
def document(program: Program) -> dict[str, Any]:
    found: dict[str, Any] = program.get("/openapi.json").get_json()
    return found


def test_it_is_a_valid_document(document: dict[str, Any]) -> None:
    assert list(OpenAPIV31SpecValidator(document).iter_errors()) == []
    assert document["servers"] == [{"url": "/api/v1"}]
    assert {"get", "post"} == set(document["paths"]["/records/contacts.person"])


def test_answers_and_requests_fit_their_schemas(program: Program, document: dict[str, Any]) -> None:
    def fits(name: str, value: Any) -> None:
        schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
        assert [error.message for error in Draft202012Validator(schema).iter_errors(value)] == []

    company = {"name": "Karimi", "phones": [{"label": "mobile", "number": "+989121234567"}], "private": False}
    fits("contacts.company.write", company)
    made = program.post("/records/contacts.company", company).get_json()
    fits("contacts.company", made)
    deal = {"name": "Roof", "amount": "12.50", "company": {"id": made["id"]}, "expected_close": "2026-12-24"}
    fits("sales.deal.write", deal)
    fits("sales.deal", program.post("/records/sales.deal", deal | {"pipeline": 1, "stage": 1}).get_json())
    fits("problem", program.post("/records/contacts.company", {}).get_json())
    with pytest.raises(AssertionError):
        fits("contacts.company", made | {"name": 7})


def test_every_path_that_reads_is_there(program: Program, document: dict[str, Any]) -> None:
    for path, operations in document["paths"].items():
        link = next((p["schema"]["enum"][0] for p in operations["get"]["parameters"] if p.get("name") == "field"), "")
        answer = program.get(path.replace("{id}", "1").replace("{field}", link))
        assert answer.status_code == (404 if "{id}" in path else 200) or path.startswith("/records/sales."), path


def test_the_reader_sees_nothing_of_other_types(crm: TestInstallation) -> None:
    crm.grant("nobody", {})
    document = Program(crm, "nobody").get("/openapi.json").get_json()
    assert (document["paths"], list(document["components"]["schemas"])) == ({}, ["problem"])
