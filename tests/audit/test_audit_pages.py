"""The audit as administrators read it: by person, record, kind and time, a million rows like ten."""

import ast
import csv
import io
import re
from pathlib import Path

import pytest
import sqlalchemy as sa

from core.accounts import acts
from core.accounts.models import Role
from core.accounts.roles import set_field_rights, set_grants
from core.records.audit import record_act
from core.records.seals.retention import KEPT_DAYS
from core.records.transfer.models import ExportFile
from core.site import lifecycle
from core.web.audit_query import KINDS, PER_PAGE
from core.web.audit_rows import ACTIONS
from tests.audit.test_seals import write


@pytest.fixture
def site(make_site, dialect):
    return make_site("contacts", dialect=dialect)


@pytest.fixture
def person(site):
    from plugins.contacts.models import Person

    with site.acting("administrator") as session:
        person = Person(first_name="Sara", last_name="Ahmadi")
        session.add(person)
        session.commit()
        person.job_title = "Buyer"
        session.commit()
        return person.id


def page(browser, **arguments):
    answer = browser.get("/admin/audit/", query_string=arguments)
    assert answer.status_code == 200, answer.status_code
    return answer.get_data(as_text=True)


def texts(html):
    """The sentences of the rows."""
    rows = re.findall(r'<div class="op-t">\s*<div>(.*?)</div>', html, re.DOTALL)
    return [" ".join(re.sub("<[^>]+>", "", row).split()) for row in rows]


def test_changes_are_told_as_sentences_with_old_and_new_values(site, person):
    html = page(site.browser("administrator"), kind="contacts.person")

    assert texts(html) == ["Administrator changed Person Sara Ahmadi", "Administrator created Person Sara Ahmadi"]
    assert "<b><bdi>Job title</bdi></b>" in html
    assert "<ins><bdi>Buyer</bdi></ins>" in html


def test_sign_ins_and_failed_ones_are_told(site):
    site.user("administrator")
    browser = site.browser()
    browser.get("/sign-in")
    browser.post("/sign-in", data={"email": "administrator@example.com", "password": "wrong wrong wrong"},
                 environ_base={"REMOTE_ADDR": "192.0.2.7"})  # fmt: skip

    html = page(site.browser("administrator"), kind="core.user")
    told = texts(html)

    assert told[0] == "Administrator signed in"
    assert "Somebody failed to sign in: Account Administrator" in told
    assert html.count('<span dir="ltr">192.0.2.7</span>') == 1


def test_filters_leave_what_they_name(site, person):
    browser = site.browser("administrator")
    admin = str(site.user("administrator").id)

    assert len(texts(page(browser, record=person, kind="contacts.person"))) == 2
    assert len(texts(page(browser, action="created", kind="contacts.person"))) == 1
    assert len(texts(page(browser, person=admin, kind="contacts.person"))) == 2
    assert texts(page(browser, person="0", kind="contacts.person")) == []
    assert texts(page(browser, source="import")) == []
    assert len(texts(page(browser, since="2020-01-01", until="2999-12-31", kind="contacts.person"))) == 2
    assert texts(page(browser, until="2020-01-01")) == []


def test_an_unknown_filter_is_refused_and_a_date_that_cannot_be_read_is_told(site):
    browser = site.browser("administrator")

    for arguments in ({"kind": "no.such"}, {"source": "x"}, {"person": "-1"}, {"record": "9" * 40}, {"action": "a'b"}):
        assert browser.get("/admin/audit/", query_string=arguments).status_code == 400
    html = page(browser, since="yesterday")
    assert "This is no date." in html
    assert 'value="yesterday"' in html


def test_pages_go_on_where_the_one_before_ended_and_back_again(site):
    write(site, 2 * PER_PAGE + 5)
    browser = site.browser("administrator")
    seen, url = [], "/admin/audit/?action=changed"
    pages = []
    while url:
        html = browser.get(url).get_data(as_text=True)
        pages.append(url)
        seen += re.findall(r"<ins><bdi>(\d+)</bdi></ins>", html)
        older = re.search(r'rel="next" href="([^"]+)"', html)
        url = older[1].replace("&amp;", "&") if older else None
    assert len(seen) == len(pages[:2]) * PER_PAGE + 5

    html = browser.get(pages[-1]).get_data(as_text=True)
    newer = re.search(r'rel="prev" href="([^"]+)"', html)[1].replace("&amp;", "&")
    assert re.findall(r"<ins><bdi>(\d+)</bdi></ins>", browser.get(newer).get_data(as_text=True)) == seen[50:100]


def test_whoever_lacks_the_right_finds_nothing(site):
    browser = site.browser("user")

    assert browser.get("/admin/audit/").status_code == 404
    assert browser.post("/admin/audit/export").status_code == 404
    assert browser.post("/admin/audit/keep", data={"days": "1"}).status_code == 404
    with site.acting() as session:
        assert KEPT_DAYS.read(session) == 0


def test_hidden_fields_and_records_are_not_told(site, person):
    with site.acting() as session:
        role = session.scalars(sa.select(Role).where(Role.name == "user")).one()
        set_grants(session, role, {"core.audit.see": "all", "core.audit.export": "all"})
        set_field_rights(session, role, "contacts.person", {"job_title": "hidden"})
        session.commit()
    browser = site.browser("user")

    def both():
        exported = browser.post("/admin/audit/export", data={"kind": "contacts.person"}).get_data(as_text=True)
        return page(browser, kind="contacts.person") + exported

    assert "Ahmadi" in both()
    assert "Buyer" not in both()
    with site.acting() as session:
        role = session.scalars(sa.select(Role).where(Role.name == "user")).one()
        set_grants(session, role, {"contacts.person.see": "own"})
        session.commit()
    assert "Ahmadi" not in both()
    assert "not yours to see" in both()


def test_it_is_exported_as_text_that_no_spreadsheet_runs_and_that_is_audited(site):
    with site.acting() as session:
        record_act(session, "core.test", "changed", {"=cmd": ("=1+1", "line\r\nbreak")})
        session.commit()
    browser = site.browser("administrator")

    answer = browser.post("/admin/audit/export", data={"kind": "core.test"})
    assert answer.status_code == 400, "an unknown kind"
    answer = browser.post("/admin/audit/export", data={"action": "changed"})

    rows = list(csv.reader(io.StringIO(answer.get_data(as_text=True).lstrip("\ufeff"))))
    assert rows[0][:3] == ["number", "time (UTC)", "person"]
    assert all(not cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row)
    assert answer.headers["Content-Disposition"].startswith("attachment")
    told = texts(page(browser, kind="core.audit"))
    assert told == ["Administrator exported Audit"]


def test_a_large_export_is_written_by_a_job(site, monkeypatch):
    monkeypatch.setattr("core.web.audit_export.AT_ONCE", 20)
    write(site, 30)
    browser = site.browser("administrator")

    answer = browser.post("/admin/audit/export", data={"action": "changed"})
    assert answer.status_code == 303
    site.run_jobs()
    with site.acting() as session:
        (file,) = session.scalars(sa.select(ExportFile)).all()
        assert (file.record_type, file.count) == ("core.audit", 30)
    saved = browser.get(f"/exports/{file.id}/file")
    assert saved.status_code == 200
    assert len(saved.get_data(as_text=True).strip().split("\r\n")) == 31
    saved.close()


def test_how_long_rows_are_kept_is_set_and_audited(site):
    browser = site.browser("administrator")

    assert browser.post("/admin/audit/keep", data={"days": "soon"}).status_code == 422
    assert browser.post("/admin/audit/keep", data={"days": "۳۶۵"}).status_code == 303
    with site.acting() as session:
        assert KEPT_DAYS.read(session) == 365
    html = page(browser, kind="core.setting")
    assert texts(html) == ["Administrator changed Setting"]
    assert "Days that the audit is kept" in html


def test_a_page_asks_few_questions(site, person):
    browser = site.browser("administrator")
    write(site, 60)
    page(browser)
    count = 0

    def more(*_arguments):
        nonlocal count
        count += 1

    sa.event.listen(site.runtime.database.engine, "before_cursor_execute", more)
    page(browser)
    sa.event.remove(site.runtime.database.engine, "before_cursor_execute", more)
    assert count <= 14, count


ROOT = Path(__file__).parents[2]


def acts_of(path):
    """The type and the act of every call that audits something which is no record, as far as they are written out."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "record_act":
            yield [argument.value if isinstance(argument, ast.Constant) else None for argument in node.args[1:3]]


def test_everything_that_is_audited_has_words():
    named = [pair for path in (ROOT / "core").rglob("*.py") for pair in acts_of(path)]
    written = [value for name, value in vars(acts).items() if name.isupper() and isinstance(value, str)]

    assert named
    done = {act for _kind, act in named if act} | set(written) | set(lifecycle.ACTS.values())
    assert sorted(done - set(ACTIONS)) == []
    assert {kind for kind, _act in named if kind} - set(KINDS) == set()


def test_modules_and_teams_are_told(site):
    site.change("enable", "sales")
    browser = site.browser("administrator")
    browser.post("/admin/teams/", data={"name": "North"})
    browser.post("/admin/teams/1", data={"name": "North", "member": str(site.user("administrator").id)})
    browser.post("/admin/teams/1/delete")

    assert "The installation switched on Module sales" in texts(page(browser, kind="core.module"))
    told = texts(page(browser, kind="core.team"))
    assert told == [f"Administrator {what} Team North" for what in ("deleted", "changed", "created")]
