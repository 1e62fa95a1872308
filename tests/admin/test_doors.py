"""Every door that Flask-Admin leaves open is closed."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from jinja2 import TemplateNotFound
from sqlalchemy.exc import InvalidRequestError

from core.config import Config
from core.parts import Column
from tests.admin.toy_site import Browser, Toys, hooks_of
from tests.admin.toys import EVERYTHING, KITES, MAKERS, PERMISSIONS, Kite, Maker, person

ODD_IDS = ["-1", "0", str(2**63), "9" * 40, "۱", "1%00", "1.0", "1e3", "abc", "../1", " 1", "1;drop"]


@pytest.mark.parametrize("odd", ODD_IDS)
def test_odd_ids_are_not_found(toys: Toys, browser: Browser, odd: str) -> None:
    toys.add(Kite(name="one"))
    assert browser.get(f"/toys/kite/{odd}").status_code == 404
    assert browser.get(f"/toys/kite/{odd}/edit").status_code == 404
    assert browser.get("/toys/kite/cell", query_string={"column": "state", "id": odd}).status_code == 404
    assert browser.post("/toys/kite/delete", {"id": odd}).status_code == 404
    assert browser.post("/toys/kite/move", {"id": odd, "lane": "new"}).status_code == 404
    assert toys.read(1).archived_at is None


def test_forbidden_and_missing_look_the_same(config: Config) -> None:
    def only_own(model: type, actor: Any) -> Any:
        return model.name == "mine" if model is Kite else None

    toys = Toys(config, hooks=hooks_of(query_filter=only_own))
    mine, other = toys.add(Kite(name="mine"), Kite(name="other"))
    browser = toys.browser()
    assert browser.get(f"/toys/kite/{mine}").status_code == 200
    for path in (f"/toys/kite/{other}", f"/toys/kite/{other}/edit", f"/toys/kite/cell?column=state&id={other}"):
        missing = browser.get(path.replace(str(other), "987654"))
        forbidden = browser.get(path)
        assert (forbidden.status_code, forbidden.text) == (missing.status_code, missing.text) == (404, missing.text)
    html = browser.get("/toys/kite/").text
    assert "mine" in html
    assert ">other<" not in html
    assert 'id="list-count">1</span>' in html
    assert "other" not in browser.post("/toys/kite/export", {"now": "1"}).text
    assert "other" not in browser.get("/toys/kite/board").text
    browser.act("delete", mine, other)
    assert toys.read(mine).archived_at is not None
    assert toys.read(other).archived_at is None
    assert browser.post(f"/toys/kite/restore?ids={other}").status_code == 404
    toys.database.dispose()


@pytest.mark.parametrize(
    ("verb", "method", "path"),
    [
        ("see", "get", "/toys/kite/"),
        ("see", "get", "/toys/kite/1"),
        ("see", "get", "/toys/kite/board"),
        ("create", "get", "/toys/kite/new"),
        ("create", "post", "/toys/kite/new"),
        ("edit", "get", "/toys/kite/1/edit"),
        ("edit", "post", "/toys/kite/1/edit"),
        ("edit", "post", "/toys/kite/1/note"),
        ("edit", "get", "/toys/kite/cell?column=state&id=1"),
        ("edit", "post", "/toys/kite/cell?column=state&id=1"),
        ("edit", "post", "/toys/kite/move?id=1&lane=open"),
        ("edit", "get", "/toys/kite/move?id=1"),
        ("see", "get", "/toys/kite/calendar"),
        ("edit", "get", "/toys/kite/calendar/move?id=1"),
        ("edit", "post", "/toys/kite/calendar/move?id=1&day=2026-11-22"),
        ("create", "get", "/toys/kite/board/add?lane=open"),
        ("create", "post", "/toys/kite/board/add?lane=open"),
        ("delete", "post", "/toys/kite/delete?id=1"),
        ("delete", "post", "/toys/kite/restore?ids=1"),
        ("delete", "get", "/toys/kite/deleted"),
    ],
)
def test_each_page_needs_its_permission(toys: Toys, browser: Browser, verb: str, method: str, path: str) -> None:
    toys.add(Kite(name="one"))
    allowed = getattr(browser, method)(path)
    toys.permissions = frozenset(PERMISSIONS) - {f"toys.kite.{verb}"}
    before = toys.read(1)
    assert getattr(browser, method)(path).status_code == 404
    after = toys.read(1)
    assert (after.version, after.archived_at, toys.count()) == (before.version, before.archived_at, 1)
    # The positive control: with the permission the same request found its page.
    assert allowed.status_code != 404 or path in ("/toys/kite/move?id=1&lane=open", "/toys/kite/restore?ids=1")


def test_a_file_needs_its_permission(toys: Toys, browser: Browser) -> None:
    toys.add(Kite(name="one"))
    assert browser.post("/toys/kite/export", {"now": "1"}).status_code == 200
    toys.permissions = frozenset(PERMISSIONS) - {"toys.kite.export"}
    for answer in (browser.get("/toys/kite/export"), browser.post("/toys/kite/export", {"now": "1"})):
        assert answer.status_code == 404


def test_nobody_gets_nothing(toys: Toys, browser: Browser) -> None:
    toys.permissions = frozenset()
    for path in ("/toys/kite/", "/toys/kite/new", "/toys/kite/ajax/lookup?name=maker", "/toys/kite/check?name=x"):
        assert browser.get(path).status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "/toys/kite/new",
        "/toys/kite/1/edit",
        "/toys/kite/1/note",
        "/toys/kite/delete",
        "/toys/kite/restore?ids=1",
        "/toys/kite/action",
        "/toys/kite/cell",
        "/toys/kite/move",
        "/toys/kite/board/add?lane=open",
        "/toys/kite/board/lane?by=maker&lane=1",
        "/toys/kite/calendar/move?id=1&day=2026-11-22",
        "/toys/kite/check",
    ],
)
def test_a_post_without_the_token_is_refused(toys: Toys, browser: Browser, path: str) -> None:
    toys.add(Kite(name="one"))
    data = {"id": "1", "rowid": "1", "action": "delete", "name": "changed", "lane": "open", "column": "state"}
    data |= {"confirmed": "1", "once": "a" * 32}
    assert browser.client.post(path, data=data).status_code == 400
    kite = toys.read(1)
    assert (kite.name, kite.state, kite.archived_at, toys.count()) == ("one", "new", None, 1)


@pytest.mark.parametrize("path", ["delete?id=1", "restore?ids=1", "action", "move", "1/note"])
def test_nothing_is_changed_by_get(toys: Toys, browser: Browser, path: str) -> None:
    toys.add(Kite(name="one"))
    assert browser.get(f"/toys/kite/{path}").status_code in (404, 405)
    assert toys.read(1).archived_at is None


def test_reading_pages_writes_nothing(toys: Toys, browser: Browser) -> None:
    toys.add(Kite(name="one"))
    written: list[str] = []

    @sa.event.listens_for(toys.database.engine, "before_cursor_execute")
    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if statement.lstrip().upper().startswith(("INSERT", "UPDATE", "DELETE")):
            written.append(statement)

    for path in ("", "new", "1", "1/edit", "board", "board?by=owner", "board/add?lane=open", "move?id=1", "calendar",
                 "check?name=one", "ajax/lookup?name=maker",
                 "cell?column=state&id=1", "new?state=lost&name=x"):  # fmt: skip
        assert browser.get(f"/toys/kite/{path}").status_code == 200
    assert written == []


def test_flask_admins_own_routes_are_gone(toys: Toys) -> None:
    rules = {rule.rule for rule in toys.app.url_map.iter_rules() if rule.rule.startswith("/toys/kite")}
    assert rules == {
        f"/toys/kite/{path}"
        for path in (
            "", "new", "<id>", "<id>/edit", "<id>/peek", "<id>/people", "<id>/story", "<id>/follow",
            "<id>/composer/<tab>", "<id>/<any(previous, next):way>", "<id>/revert/<change_id>",
            "<id>/note", "<id>/note/<note_id>", "<id>/note/<note_id>/delete", "<id>/note/<note_id>/pin",
            "<id>/files", "<id>/files/<file_id>", "<id>/files/<file_id>/delete", "<id>/files/<file_id>/restore",
            "<id>/files/<file_id>/thumbnail",
            "delete", "restore", "deleted", "action", "cell", "check", "columns", "order", "widths", "totals",
            "filter", "filter/lookup", "filter-options",
            "duplicates", "duplicates/search", "duplicates/progress", "duplicates/stop", "duplicates/dismiss", "merge",
            "views/new", "views/<view_id>", "views/<view_id>/save", "views/<view_id>/delete", "views/<view_id>/restore",
            "board", "board/add", "board/lane", "move", "calendar", "calendar/move",
            "export", "ajax/lookup",
        )
    }  # fmt: skip
    assert toys.app.test_client().post("/toys/kite/ajax/update/").status_code in (400, 404)
    assert toys.app.test_client().get("/admin/records/").status_code == 404


def test_no_template_falls_back_to_bootstrap_4(toys: Toys) -> None:
    with toys.app.test_request_context():
        source = toys.app.jinja_env.get_template("admin/model/list.html").filename
        assert source is not None
        assert "themes/nova" in source
        with pytest.raises(TemplateNotFound):
            # Flask-Admin brings this one and our theme does not.
            toys.app.jinja_env.get_template("admin/file/list.html")


def test_an_error_in_a_page_is_raised_once_and_as_it_is(config: Config) -> None:
    calls = []

    def broken(kites: Sequence[Kite]) -> dict[int, int]:
        calls.append(kites)
        raise TypeError("the real one")

    column = Column(name="letters", label="Letters", load=broken, kind="integer")
    toys = Toys(config, screens=(replace(KITES, computed=(column,)), MAKERS))
    toys.add(Kite(name="one"))
    with pytest.raises(TypeError, match="the real one"):
        toys.browser().get("/toys/kite/")
    assert len(calls) == 1


@pytest.mark.parametrize("asked", [lambda names: Kite.name.in_(names), lambda names: Kite.name == max(names)])
def test_a_plugin_that_changes_its_mind_is_heard_by_the_next_request(config: Config, asked: Any) -> None:
    names = ["one"]

    def visible(model: type, actor: Any) -> Any:
        return asked(names) if model is Kite else None

    toys = Toys(config, hooks=hooks_of(query_filter=visible))
    one, two = toys.add(Kite(name="one"), Kite(name="two"))
    browser = toys.browser()

    def seen() -> list[bool]:
        return [f'data-nv-row="{number}"' in browser.get("/toys/kite/").text for number in (one, two)]

    assert seen() == [True, False]
    assert seen() == [True, False]
    names[:] = ["two"]
    assert seen() == [False, True]
    names[:] = ["one"]
    assert seen() == [True, False]


def test_pickers_are_limited_searched_in_any_spelling_and_follow_the_rules_of_rows(config: Config) -> None:
    def visible(model: type, actor: Any) -> Any:
        return model.name != "hidden" if model is Maker else None

    toys = Toys(config, hooks=hooks_of(query_filter=visible))
    toys.add(Maker(name="hidden"), Maker(name="كارگاه ۱"), *(Maker(name=f"m{n}") for n in range(60)))
    browser = toys.browser()
    lookup = "/toys/kite/ajax/lookup"
    assert len(browser.get(lookup + "?name=maker").json) == 20
    assert len(browser.get(lookup + "?name=maker&limit=1000000").json) == 50
    assert len(browser.get(lookup + "?name=maker&limit=-5&offset=-1").json) == 20
    assert [text for _id, text in browser.get(lookup + "?name=maker&query=کارگاه 1").json] == ["کارگاه ۱"]
    assert browser.get(lookup + "?name=maker&query=hidden").json == []
    assert browser.get(lookup + "?name=maker&query=%").json == []
    assert browser.get(lookup + "?name=secret").status_code == 404
    assert browser.get(lookup).status_code == 404
    # The form neither offers the hidden row nor accepts its id.
    assert ">hidden<" not in browser.get("/toys/kite/new").text
    response = browser.post("/toys/kite/new", {"name": "x", "state": "new", "currency": "USD", "maker": "1"})
    assert response.status_code == 422
    assert "Not a valid choice" in response.text
    assert toys.count() == 0
    toys.permissions -= {"toys.maker.see"}
    assert browser.get(lookup + "?name=maker").json == []
    toys.database.dispose()


def test_owners_are_picked_among_active_people(toys: Toys, browser: Browser) -> None:
    gone = person("Gone", "gone@example.com")
    gone.active = False
    toys.add(person(), gone)
    assert [text for _id, text in browser.get("/toys/kite/ajax/lookup?name=owner").json] == ["Sara"]


def test_a_record_in_the_bin_is_missing_but_for_whoever_may_take_it_out(toys: Toys, browser: Browser) -> None:
    (number,) = toys.add(Kite(name="Lost one", maker=Maker(name="Old maker")))
    here = f"/toys/kite/{number}"
    assert browser.get(here).status_code == 200
    browser.post("/toys/kite/delete", {"id": number})
    for path in (here, f"{here}/edit"):
        answer = browser.get(path)
        assert answer.status_code == 404
        assert "Lost one" in answer.text
        assert f'action="/toys/kite/restore?ids={number}"' in answer.text
    assert browser.get(f"{here}/peek").status_code == 404
    toys.permissions = frozenset(PERMISSIONS) - {"toys.kite.delete"}
    assert browser.get(here).text == browser.get("/toys/kite/987654").text
    assert "Lost one" not in browser.get(here).text
    toys.permissions = EVERYTHING
    assert browser.post(f"/toys/kite/restore?ids={number}", {"url": here}).location == here
    assert browser.get(here).status_code == 200


def test_a_link_to_a_record_in_the_bin_says_so_and_is_for_whoever_may_open_it(toys: Toys, browser: Browser) -> None:
    (maker,) = toys.add(Maker(name="Old maker"))
    (number,) = toys.add(Kite(name="one", maker_id=maker))
    link, chip = f'<a href="/toys/maker/{maker}"><bdi>Old maker</bdi></a>', "in the bin</span>"
    pages = [f"/toys/kite/{number}", "/toys/kite/?columns=name,maker"]
    assert all(link in browser.get(page).text and chip not in browser.get(page).text for page in pages)
    browser.post("/toys/maker/delete", {"id": maker})
    for page in pages:
        html = browser.get(page).text
        assert link in html, page
        assert chip in html, page
    toys.permissions = frozenset(PERMISSIONS) - {"toys.maker.delete"}
    for page in pages:
        html = browser.get(page).text
        assert "<bdi>Old maker</bdi>" in html
        assert chip in html
        assert link not in html


def test_a_redirect_for_a_script_keeps_the_message(toys: Toys, browser: Browser) -> None:
    (number,) = toys.add(Kite(name="one"))
    response = browser.post("/toys/kite/delete", {"id": number}, headers={"HX-Request": "true"})
    assert response.status_code == 204
    assert response.headers["HX-Redirect"] == "/toys/kite/"
    assert [text for _category, text in browser.flashed()] == ["“one” was deleted."]


def test_nobody_is_sent_to_another_site(toys: Toys, browser: Browser) -> None:
    (number,) = toys.add(Kite(name="one"))
    response = browser.post("/toys/kite/delete", {"id": number, "url": "https://evil.example/"})
    assert response.headers["Location"] == "/toys/kite/"


@pytest.mark.parametrize(
    "change",
    [
        {"columns": ("nothing",)},
        {"filters": ("nothing",)},
        {"editable": ("nothing",)},
        {"form": (type(KITES.form[0])("x", ("nothing",)),)},
        {"form": (type(KITES.form[0])("x", ("version",)),)},
        {"order": "nothing"},
    ],
)
def test_a_screen_that_names_what_is_not_there_fails_the_build_by_name(config: Config, change: dict[str, Any]) -> None:
    from dataclasses import replace

    from core.errors import PluginError

    with pytest.raises(PluginError) as raised:
        Toys(config, screens=(replace(KITES, **change), MAKERS))
    assert raised.value.plugin == "toys"
    assert not isinstance(raised.value.__cause__, InvalidRequestError)


def test_a_kind_without_a_form_field_is_an_error() -> None:
    from core.admin.converters import form_field
    from core.errors import CatalogError
    from core.records.fields import Field

    with pytest.raises(CatalogError, match="range"):
        form_field(Field(name="x", label="X", kind="range"))
