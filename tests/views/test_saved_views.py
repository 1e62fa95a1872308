"""Saved views: kept, shared, opened by default, and whole again when what went away comes back."""

import re
from collections.abc import Callable
from html import unescape

import pytest

from core.accounts.teams import Team, set_members
from core.records.views.models import SavedView
from core.testing.installation import Browser, TestInstallation

MakeSite = Callable[..., TestInstallation]
LIST = "/contacts/person/"
Q = "sort=-created_at&flt0_city__eq=Shiraz&columns=name,city,birthday"


@pytest.fixture
def site(make_site: MakeSite, dialect: str) -> TestInstallation:
    made = make_site("contacts", dialect=dialect)
    from plugins.contacts.models import Person

    with made.acting() as session:
        session.add(Person(first_name="Ada", city="Shiraz", status="customer"))
        session.commit()
    return made


def keep(browser: Browser, name: str, q: str = Q, **fields: str) -> str:
    """Save a view; its address."""
    browser.get(LIST)
    answer = browser.post(f"{LIST}views/new", data={"name": name, "q": q, "shared": "mine"} | fields)
    assert answer.status_code == 302, answer.get_data(as_text=True)
    return answer.location


def tabs(browser: Browser) -> list[str]:
    html = browser.get(LIST + "?view=all").get_data(as_text=True)
    nav = re.search(r'<nav class="view-tabs".*?</nav>', html, re.DOTALL)
    return re.findall(r"<bdi>(.*?)</bdi>", nav[0]) if nav else []


def columns(html: str) -> list[str]:
    return re.findall(r'<th scope="col" class="col-([a-z_]+)"', html)


def test_a_view_shows_what_was_saved_and_its_own_address(site: TestInstallation) -> None:
    browser = site.browser("user")
    address = keep(browser, "Shirazis")
    html = browser.get(address).get_data(as_text=True)
    assert columns(html) == ["name", "city", "birthday"]
    assert "Shiraz" in html
    assert 'aria-current="page"><bdi>Shirazis' in html
    assert "Save as a view" not in html
    changed = browser.get(address + "&changed=1&sort=name").get_data(as_text=True)
    assert "Save as a view" in changed
    assert columns(changed)[:2] == ["name", "company"]


def test_a_view_keeps_every_field_it_is_sorted_by(site: TestInstallation) -> None:
    browser = site.browser("user")
    address = keep(browser, "By city", "sort=-city,name")
    html = browser.get(address).get_data(as_text=True)
    assert re.findall(r'class="sort-n"[^>]*>(\d)<', html) == ["2", "1"]
    assert "Save as a view" not in html


def test_saving_a_changed_view_keeps_the_change(site: TestInstallation) -> None:
    browser = site.browser("user")
    address = keep(browser, "Mine")
    number = address.rpartition("=")[2]
    browser.get(address)
    assert browser.post(f"{LIST}views/{number}/save", data={"q": "columns=name,status"}).status_code == 302
    assert columns(browser.get(address).get_data(as_text=True)) == ["name", "status"]
    assert browser.post(f"{LIST}views/{number}/save", data={"q": "columns=password"}).status_code == 400


def test_views_are_seen_by_those_they_are_shared_with(site: TestInstallation) -> None:
    administrator, user = site.browser("administrator"), site.browser("user")
    keep(administrator, "Hidden")
    everyones = keep(administrator, "For all", shared="everyone")
    admins, users = {site.user("administrator").id}, {site.user("user").id}
    with site.acting() as session:
        team = Team(name="Sales")
        part = Team(name="North")
        session.add_all([team, part])
        session.flush()
        part.parent_id = team.id
        set_members(session, team, admins)
        set_members(session, part, users)
        session.commit()
        team_id = str(team.id)
    keep(administrator, "For the team", shared="team", team=team_id)
    assert tabs(administrator) == ["All", "Hidden", "For all", "For the team"]
    assert tabs(user) == ["All", "For all", "For the team"]
    user.get(LIST)
    assert user.get(LIST + "?view=1").status_code == 404
    number = everyones.rpartition("=")[2]
    for path, data in (("save", {"q": ""}), ("delete", {})):
        assert user.post(f"{LIST}views/{number}/{path}", data=data).status_code == 404
    refused = user.post(f"{LIST}views/new", data={"name": "Mine for all", "q": "", "shared": "everyone"})
    assert refused.status_code == 422
    assert "You may not share a view with everyone." in refused.get_data(as_text=True)
    assert tabs(user) == ["All", "For all", "For the team"]


def test_a_list_opens_with_the_persons_default_or_else_the_teams(site: TestInstallation) -> None:
    user, users = site.browser("user"), {site.user("user").id}
    with site.acting() as session:
        team = Team(name="Sales")
        session.add(team)
        session.flush()
        set_members(session, team, users)
        session.commit()
        team_id = str(team.id)
    keep(user, "Ours", "columns=name,status", shared="team", team=team_id, teams="1")
    assert columns(user.get(LIST).get_data(as_text=True)) == ["name", "status"]
    own = keep(user, "Own", "columns=name,city", mine="1")
    assert columns(user.get(LIST).get_data(as_text=True)) == ["name", "city"]
    assert len(columns(user.get(LIST + "?view=all").get_data(as_text=True))) > 5
    user.post(f"{LIST}views/{own.rpartition('=')[2]}", data={"name": "Own", "shared": "mine"})
    assert columns(user.get(LIST).get_data(as_text=True)) == ["name", "status"]


def test_a_pinned_view_stands_in_the_menu_and_a_deleted_one_comes_back(site: TestInstallation) -> None:
    user = site.browser("user")
    address = keep(user, "To call", pinned="1")
    home = user.get("/").get_data(as_text=True)
    assert f'href="{address}"' in home
    number = address.rpartition("=")[2]
    user.post(f"{LIST}views/{number}/delete")
    assert f'href="{address}"' not in user.get("/profile/").get_data(as_text=True)
    assert user.get(address).status_code == 404
    assert user.post(f"{LIST}views/{number}/restore").status_code == 302
    assert user.get(address).status_code == 200


def test_what_went_away_is_named_kept_on_saving_and_comes_back(site: TestInstallation) -> None:
    user = site.browser("user")
    address = keep(user, "Old", "columns=name,city")
    number = int(address.rpartition("=")[2])
    lost = {"columns": ["name", "open_deals", "city"], "sort": ["-open_deals"], "group": "",
            "filters": [["city__eq", "Shiraz"], ["rating__ge", "3"]],
            "where": {"all": [{"field": "status", "op": "eq", "value": "customer"}, {"field": "x_score", "op": "gt",
                                                                                     "value": 1}]}}  # fmt: skip
    with site.acting() as session:
        session.get(SavedView, number).definition = lost
        session.commit()
    html = user.get(address).get_data(as_text=True)
    assert columns(html) == ["name", "city"]
    for name in ("open_deals", "rating", "x_score"):
        assert f"No longer available: {name}" in html
    assert "Shiraz" in html
    changed = user.get(address + "&changed=1&columns=name,status").get_data(as_text=True)
    saved = re.search(r'name="q" value="([^"]*)"', changed)
    assert saved is not None
    user.post(f"{LIST}views/{number}/save", data={"q": unescape(saved[1])})
    with site.acting() as session:
        definition = session.get(SavedView, number).definition
    assert definition["columns"] == ["name", "status", "open_deals"]
    assert ["rating__ge", "3"] in definition["filters"]
    assert definition["sort"] == ["-open_deals"]
    assert "x_score" in str(definition["where"])


def test_teams_are_made_by_administrators(site: TestInstallation) -> None:
    administrator, user = site.browser("administrator"), site.browser("user")
    assert user.get("/admin/teams/").status_code == 404
    administrator.get("/admin/teams/")
    assert administrator.post("/admin/teams/", data={"name": "North"}).status_code == 302
    assert administrator.post("/admin/teams/", data={"name": "north"}).status_code == 422
    made = administrator.post("/admin/teams/", data={"name": "Oslo", "parent": "1"}).location
    member = str(site.user("user").id)
    assert administrator.post(made, data={"name": "Oslo", "parent": "1", "member": [member]}).status_code == 302
    ring = administrator.post("/admin/teams/1", data={"name": "North", "parent": made.rpartition("/")[2]})
    assert "A team cannot be part of itself." in ring.get_data(as_text=True)
    assert administrator.post("/admin/teams/1/delete").status_code == 302
    assert "Oslo" in administrator.get("/admin/teams/").get_data(as_text=True)


def test_an_address_and_a_definition_say_the_same() -> None:
    from core.records.views.view import View

    view = View.of_address(
        {"flt0_city__eq": "A", "sort": "-a,b", "columns": "a,b", "where": '{"all":[]}', "search": "x"}
    )
    assert View.of_definition(view.definition) == view
    assert View.of_address(view.address) == view
    assert View.of_definition({"filters": 7}) == View()


@pytest.mark.parametrize(("page", "own"), [("board", "by=owner"), ("calendar", "mode=week")])
def test_boards_and_calendars_show_views_as_the_list_does(site: TestInstallation, page: str, own: str) -> None:
    browser = site.browser("user")
    path = f"{LIST}{page}"
    assert "view-tabs" not in browser.get(path).text
    number = keep(browser, "Shirazis", page_size="50").rpartition("=")[2]
    html = browser.get(f"{path}?{own}").get_data(as_text=True)
    assert f'href="{path}?{own}&amp;view={number}"><bdi>Shirazis' in html
    shown = browser.get(f"{path}?{own}&view={number}").get_data(as_text=True)
    assert 'aria-current="page"><bdi>Shirazis' in shown
    assert re.search(r"<b><bdi>Shiraz</bdi></b>", shown)
    # The other ways of looking at it, and every link of its own, keep the view.
    assert f'href="{LIST}?view={number}"' in shown
    assert "Save as a view" not in shown
    assert browser.get(f"{path}?view={int(number) + 1}").status_code == 404
    changed = browser.get(f"{path}?view={number}&changed=1&search=ada").get_data(as_text=True)
    save = re.search(rf'action="({LIST}views/{number}/save[^"]*)"', changed)
    assert save
    answer = browser.post(unescape(save[1]), data={"q": "search=ada"})
    assert answer.location == f"{path}?view={number}"


def test_a_board_opens_with_the_default_view(site: TestInstallation) -> None:
    browser = site.browser("user")
    keep(browser, "Shirazis", mine="1")
    assert "<b><bdi>Shiraz</bdi></b>" in browser.get(f"{LIST}board").text
    assert "<b><bdi>Shiraz</bdi></b>" not in browser.get(f"{LIST}board?view=all").text
