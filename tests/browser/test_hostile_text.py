"""Text that people typed stays text: it is put wherever text can be typed, and no page of a real browser obeys it."""

from __future__ import annotations

import datetime as dt
import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from playwright.sync_api import Browser, Page
from werkzeug.serving import make_server

from core.accounts.models import Role, User
from core.accounts.teams import Team
from core.records.attachments.models import Attachment
from core.records.note import Note, add_note
from core.records.operations.running import operation
from core.records.privacy.models import Consent, Hold, RetentionRule
from core.records.views.models import SavedView
from core.reports.models import Dashboard, DashboardCard
from core.testing.installation import TestInstallation
from tests.browser.conftest import Visitor

EVIL = """'"><img src=x onerror=hit()>{{7*7}}"""
TODAY = dt.datetime.now(dt.UTC).date()
INJECTED = "document.querySelectorAll('img[src=\"x\"]').length"
SHOWN = "document.documentElement.innerText.includes('onerror=hit()')"


@pytest.fixture
def hostile(make_site: Callable[..., TestInstallation]) -> TestInstallation:
    """An installation in which every name, note, title and text is hostile."""
    site = make_site("contacts", "activities", "sales")
    site.user("administrator")
    catalog = site.site.catalog
    with site.acting() as session:
        with operation(session, kind="edit", record_type="contacts.person", label=EVIL):
            fill(session, catalog)
        furnish(session, catalog.find("contacts.person").model)
        session.commit()
    return site


@pytest.fixture
def address(hostile: TestInstallation) -> Iterator[str]:
    """Where it is served, by threads of this process: for text, one process tells as much as five."""
    server = make_server("127.0.0.1", 0, hostile.application, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def fill(session: Any, catalog: Any) -> None:
    """Two records of each kind with the text in all of their texts, and then another one, so that histories hold it."""
    person, company, tag, deal, activity = (
        catalog.find(name).model
        for name in ("contacts.person", "contacts.company", "contacts.tag", "sales.deal", "activities.activity")
    )
    for number in (1, 2):
        name = f"{EVIL}{number}"
        made = [
            company(name=name, city=name),
            tag(name=name),
            person(first_name=EVIL, last_name=name, job_title=name, city=name),
        ]
        session.add_all(made)
        session.flush()
        made[2].company, made[2].tags = made[0], [made[1]]
        about = {"about_type": "contacts.person", "about_id": made[2].id}
        made += [
            deal(name=name, contact=made[2], company=made[0], next_step=name, lost_note=name, expected_close=TODAY),
            activity(subject=name, note=name, due=TODAY, **about),
        ]
        session.add_all(made[3:])
        session.flush()
        for record in (made[0], made[2], made[3]):
            add_note(record, f"{EVIL} @{EVIL}")
            setattr(record, "next_step" if record is made[3] else "city", f"{EVIL} again")
        session.flush()
    for entry in catalog:
        if entry.name.startswith("sales.") and entry.name != "sales.deal":
            session.scalars(sa.select(entry.model)).first().name = EVIL
    stage = catalog.find("sales.deal").fields["stage"].target
    session.scalars(sa.select(stage)).first().name = EVIL
    session.flush()


def furnish(session: Any, person: Any) -> None:
    """What is no record but has a name."""
    user = session.scalars(sa.select(User)).one()
    user.name = EVIL
    about = {"record_type": "contacts.person", "record_id": session.scalar(sa.select(sa.func.min(person.id)))}
    dashboard = Dashboard(owner_id=user.id, title=EVIL)
    report = {"record_type": "sales.deal", "group": "stage", "chart": "bar"}
    dashboard.cards.append(DashboardCard(title=EVIL, report=report))
    session.add_all([
        Team(name=EVIL), Role(name=EVIL, permissions=[]), dashboard,
        SavedView(record_type="contacts.person", name=EVIL, owner_id=user.id, pinned=True, definition={}),
        Attachment(name=f"{EVIL}.pdf", content_type="application/pdf", size=1, sha256="0" * 64, **about),
        Note(body=EVIL, **about), Hold(reason=EVIL, placed_by=EVIL, **about),
        Consent(purpose=EVIL, source=EVIL, text=EVIL, recorded_by=EVIL, **about),
        RetentionRule(name=EVIL, record_type="contacts.person", way="erase",
                      condition={"field": "city", "op": "eq", "value": EVIL}),
    ])  # fmt: skip


def paths(one: int, two: int) -> list[str]:
    """One page of every kind; ``one`` and ``two`` are people."""
    person, deal, activity = "/contacts/person", "/sales/deal", "/activities/activity"
    return [
        "/", "/dashboards", "/dashboards/1", "/search?q=onerror", "/notifications/", "/operations", "/admin/operations",
        f"{person}/", f"{person}/{one}", f"{person}/{one}/edit", f"{person}/{one}/peek", f"{person}/?group=city",
        f"{person}/merge?ids={one},{two}", f"{person}/filter", f"{person}/columns", f"{person}/deleted",
        f"{deal}/", f"{deal}/board", f"{deal}/calendar?mode=agenda", f"{deal}/1", f"{deal}/1/edit", "/sales/pipelines",
        f"{activity}/1", "/activities/mine", "/contacts/tag/", "/contacts/company/", "/admin/users/", "/admin/roles/",
        "/admin/teams/", "/admin/audit/", "/admin/privacy/rules/1", f"/admin/privacy/contacts.person/{one}",
        f"/admin/privacy/contacts.person/{two}/erase/erase",
    ]  # fmt: skip


@pytest.mark.timeout(240)
def test_no_page_obeys_what_was_typed(hostile: TestInstallation, address: str, chromium: Browser) -> None:
    context = chromium.new_context(viewport={"width": 1366, "height": 768}, reduced_motion="reduce")
    visitor = Visitor(context, address)
    visitor.sign_in()
    obeyed: dict[str, list[str]] = {}
    shown = 0
    with hostile.acting() as session:
        one, two = session.scalars(sa.select(hostile.site.catalog.find("contacts.person").model.id))
    for path in paths(one, two):
        visitor.messages.clear()
        page = visitor.go(path)
        shown += page.evaluate(SHOWN)
        problems(visitor, page, path, obeyed)
    assert shown > 25  # it is there to be read, or nothing would be proved
    page = visitor.go(f"/contacts/person/{two}")
    page.keyboard.press("Control+k")
    page.keyboard.type("onerror")
    page.wait_for_timeout(600)
    problems(visitor, page, "palette", obeyed)
    page = visitor.go("/sales/deal/1/edit")
    page.locator(".ts-control").first.click()
    page.keyboard.type("onerror")
    page.wait_for_timeout(600)
    problems(visitor, page, "picker", obeyed)
    page = visitor.go(f"/contacts/person/{two}")
    page.fill("#note-body", "")
    page.type("#note-body", "@'")
    page.wait_for_timeout(600)
    problems(visitor, page, "mention", obeyed)
    assert obeyed == {}
    page = visitor.go("/help")
    page.evaluate(f"document.body.innerHTML = {json.dumps(EVIL)}")
    problems(visitor, page, "on purpose", obeyed)
    assert "an element came of it" in obeyed["on purpose"]  # it would have been noticed
    context.close()


def problems(visitor: Visitor, page: Page, place: str, found: dict[str, list[str]]) -> None:
    """Note what the text brought about: an element, a refused script, a picture that was asked for."""
    said = [text for text in visitor.messages if "Content Security Policy" in text or "/x" in text]
    if page.evaluate(INJECTED):
        said.append("an element came of it")
    if said:
        found[place] = said
