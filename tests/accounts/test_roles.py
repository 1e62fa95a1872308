"""Roles are made and changed in the browser, and count from everybody's next page."""

from collections.abc import Callable

import pytest
import sqlalchemy as sa
from werkzeug.test import TestResponse

from core.accounts.models import Role, User
from core.accounts.roles import RecordRule
from core.records.audit import Audit
from core.testing.installation import PASSWORD, Browser, TestInstallation

COMPANY = "contacts.company"


@pytest.fixture
def sales(make_site: Callable[..., TestInstallation]) -> TestInstallation:
    return make_site("contacts", "sales")


def role_id(sales: TestInstallation, name: str) -> int:
    with sales.acting() as session:
        return int(session.scalars(sa.select(Role.id).where(Role.name == name)).one())


def shown(browser: Browser, path: str) -> str:
    answer = browser.get(path)
    assert answer.status_code == 200, (path, answer.status_code)
    return answer.get_data(as_text=True)


def add_company(sales: TestInstallation, name: str, owner: str, city: str = "Shiraz") -> int:
    from plugins.contacts.models import Company

    number = sales.user(owner).id
    with sales.acting() as session:
        company = Company(name=name, city=city, owner_id=number)
        session.add(company)
        session.commit()
        return int(company.id)


def test_a_role_is_made_filled_given_and_counts_from_the_next_page(sales: TestInstallation) -> None:
    admin, ann = sales.browser("administrator"), sales.browser("user")
    add_company(sales, "Mine", "user")
    add_company(sales, "Theirs", "administrator")
    assert "Theirs" in shown(ann, "/contacts/company/")
    made = admin.post("/admin/roles/", data={"name": "Seller"})
    assert made.status_code == 303
    number = role_id(sales, "Seller")
    matrix = {f"g:{COMPANY}.see": "own", f"g:{COMPANY}.edit": "own", "name": "Seller", "p:core.jobs.see": "1"}
    assert admin.post(f"/admin/roles/{number}", data=matrix).status_code == 303
    given = admin.post(f"/admin/users/{sales.user('user').id}", data={"action": "role", "role": "Seller"})
    assert given.status_code == 302
    page = shown(ann, "/contacts/company/")
    assert "Mine" in page
    assert "Theirs" not in page
    assert ann.get("/contacts/person/").status_code == 404
    assert ann.get("/admin/jobs").status_code == 200
    assert ann.get("/admin/modules/").status_code == 404
    with sales.acting() as session:
        acts = session.scalars(sa.select(Audit.action).where(Audit.record_type.in_(("core.role", "core.user")))).all()
    assert {"role_made", "rights_changed", "roles_changed"} <= set(acts)


def test_a_copy_grants_what_the_original_grants(sales: TestInstallation) -> None:
    admin = sales.browser("administrator")
    sales.grant("user", {f"{COMPANY}.see": "team"}, fields={COMPANY: {"city": "hidden"}})
    assert admin.post("/admin/roles/", data={"name": "Copy", "copy": role_id(sales, "user")}).status_code == 303
    page = shown(admin, f"/admin/roles/{role_id(sales, 'Copy')}")
    assert 'value="team" selected' in page
    assert 'value="hidden" selected' in shown(admin, f"/admin/roles/{role_id(sales, 'Copy')}/fields/{COMPANY}")


@pytest.mark.parametrize(
    "data",
    [{"g:contacts.company.see": "every"}, {"g:contacts.company.import": "own"}, {"g:no.such.see": "all"},
     {"p:core.roles.manage": "1"}],
)  # fmt: skip
def test_unknown_scopes_and_permissions_are_refused_and_nothing_is_stored(
    sales: TestInstallation, data: dict[str, str]
) -> None:
    admin = sales.browser("administrator")
    sales.grant("seller", {f"{COMPANY}.see": "own"})
    number = role_id(sales, "seller")
    assert admin.post(f"/admin/roles/{number}", data={"name": "seller", **data}).status_code == 400
    assert 'value="own" selected' in shown(admin, f"/admin/roles/{number}")


def test_the_administrators_role_cannot_be_narrowed_and_built_in_ones_not_deleted(sales: TestInstallation) -> None:
    admin = sales.browser("administrator")
    number = role_id(sales, "administrator")
    assert "cannot be narrowed" in shown(admin, f"/admin/roles/{number}")
    assert admin.post(f"/admin/roles/{number}", data={"name": "x"}).status_code == 404
    for name in ("administrator", "user"):
        admin.post(f"/admin/roles/{role_id(sales, name)}/delete")
        assert role_id(sales, name)


def test_a_role_that_somebody_has_stays_and_another_goes(sales: TestInstallation) -> None:
    admin = sales.browser("administrator")
    sales.grant("seller")
    sales.grant("spare")
    sales.user("seller")
    admin.post(f"/admin/roles/{role_id(sales, 'seller')}/delete")
    assert role_id(sales, "seller")
    admin.post(f"/admin/roles/{role_id(sales, 'spare')}/delete")
    with sales.acting() as session:
        assert session.scalar(sa.select(Role.id).where(Role.name == "spare")) is None


def test_nobody_but_administrators_gets_at_roles_and_nobody_gives_more_than_he_has(sales: TestInstallation) -> None:
    sales.grant("manager", {"core.users.manage": "all", f"{COMPANY}.see": "own"})
    sales.grant("strong", {f"{COMPANY}.see": "all"})
    sales.grant("weak", {"core.users.manage": "all"})
    manager, own = sales.browser("manager"), sales.user("manager").id
    other = sales.user("user").id
    assert manager.get("/admin/roles/").status_code == 404
    administrator = f"/admin/users/{sales.user('administrator').id}"
    assert manager.post(administrator, data={"action": "deactivate"}).status_code == 404
    for number, given in ((own, ["manager", "administrator"]), (own, ["manager", "strong"]), (other, "administrator")):
        assert manager.post(f"/admin/users/{number}", data={"action": "role", "role": given}).status_code == 422
    with sales.acting() as session:
        assert [role.name for role in session.get(User, own).roles] == ["manager"]
        assert [role.name for role in session.get(User, other).roles] == ["user"]
    answer = manager.post(
        "/admin/users/",
        data={"email": "eve@example.com", "name": "Eve", "password": PASSWORD, "role": "administrator"},
    )
    assert answer.status_code == 422
    assert manager.post(f"/admin/users/{own}", data={"action": "role", "role": ["manager", "weak"]}).status_code == 302
    with sales.acting() as session:
        assert {role.name for role in session.get(User, own).roles} == {"manager", "weak"}


def test_a_rule_is_built_in_the_browser_and_narrows_what_is_seen(sales: TestInstallation) -> None:
    admin = sales.browser("administrator")
    sales.grant("ann", {f"{COMPANY}.see": "all"})
    add_company(sales, "Near", "administrator", "Shiraz")
    add_company(sales, "Far", "administrator", "Yazd")
    number = role_id(sales, "ann")
    path = f"/admin/roles/{number}/rules/new/{COMPANY}"
    empty = admin.post(path, data={"name": "", "do": "save", "c.j": "all"})
    assert empty.status_code == 422
    draft = {"c.j": "all", "c.0.f": "city", "c.0.b": "city", "c.0.o": "eq", "c.0.v": "Shiraz"}
    page = admin.post(path, data={"name": "Near", "verb": "see", "do": "update", **draft})
    assert page.status_code == 200
    assert "Shiraz" in page.get_data(as_text=True)
    assert admin.post(path, data={"name": "Near", "verb": "see", "do": "save", **draft}).status_code == 303
    listed = shown(sales.browser("ann"), "/contacts/company/")
    assert "Near" in listed
    assert "Far" not in listed
    assert "Shiraz" in shown(admin, f"/admin/roles/{number}")
    with sales.acting() as session:
        rule = session.scalars(sa.select(RecordRule.id)).one()
    assert "Shiraz" in shown(admin, f"/admin/roles/{number}/rules/{rule}")
    assert admin.post(f"/admin/roles/{number}/rules/{rule}/delete").status_code == 303
    assert "Far" in shown(sales.browser("ann"), "/contacts/company/")


def test_a_rule_that_would_ask_for_itself_is_refused(sales: TestInstallation) -> None:
    admin = sales.browser("administrator")
    sales.grant("ann", {f"{COMPANY}.see": "all", "sales.deal.see": "all"})
    number = role_id(sales, "ann")

    def save(record_type: str, **boxes: str) -> TestResponse:
        draft = {"c.j": "all", **{f"c.0.{box}": text for box, text in boxes.items()}}
        path = f"/admin/roles/{number}/rules/new/{record_type}"
        answer: TestResponse = admin.post(path, data={"name": "x", "verb": "see", "do": "save", **draft})
        return answer

    deals = "#sales.deal.company"
    assert save("sales.deal", f="company", b="company", o="not_empty").status_code == 303
    circle = save(COMPANY, f=deals, b=deals, o="ge", v="1")
    assert circle.status_code == 422
    assert "leads back" in circle.get_data(as_text=True)
    assert shown(sales.browser("ann"), "/sales/deal/")


def test_fields_are_hidden_in_the_browser_and_names_cannot_be(sales: TestInstallation) -> None:
    admin = sales.browser("administrator")
    sales.grant("ann", {f"{COMPANY}.{verb}": "all" for verb in ("see", "edit")})
    number, company = role_id(sales, "ann"), add_company(sales, "Near", "administrator", "Isfahan")
    ann = sales.browser("ann")
    assert "Isfahan" in shown(ann, f"/contacts/company/{company}")
    path = f"/admin/roles/{number}/fields/{COMPANY}"
    assert admin.post(path, data={"f:city": "hidden", "f:website": "read"}).status_code == 303
    for page in ("/contacts/company/", f"/contacts/company/{company}", f"/contacts/company/{company}/edit"):
        assert "Isfahan" not in shown(ann, page)
    assert 'name="website"' not in shown(ann, f"/contacts/company/{company}/edit")
    assert ann.get("/contacts/company/?sort=city").status_code == 400
    assert ann.get("/contacts/company/?flt0_city__eq=Isfahan").status_code == 400
    assert "Near" not in shown(ann, "/contacts/company/?search=isfahan")
    assert "Near" in shown(ann, "/contacts/company/?search=near")
    assert admin.post(path, data={"f:name": "hidden"}).status_code == 400
    undeclared = {"name": "Near", "city": "Yazd", "version": "1"}
    assert ann.post(f"/contacts/company/{company}/edit", data=undeclared).status_code == 400


def test_why_and_what_a_person_may_do_is_told_in_sentences(sales: TestInstallation) -> None:
    admin = sales.browser("administrator")
    sales.grant("ann", {f"{COMPANY}.see": "all", f"{COMPANY}.edit": "own"}, fields={COMPANY: {"city": "hidden"}})
    company, ann = add_company(sales, "Theirs", "administrator"), sales.user("ann").id
    page = shown(admin, f"/admin/access/?user={ann}&type={COMPANY}&id={company}")
    assert "grants it for all of" in page
    assert "It belongs to Administrator." in page
    assert "does not grant it" in page
    assert "City" in page
    assert "Own" in shown(admin, f"/admin/access/?user={ann}")
    assert f"/admin/access/?type={COMPANY}&amp;id={company}" in shown(admin, f"/contacts/company/{company}")
    assert sales.browser("ann").get("/admin/access/").status_code == 404


def test_an_administrator_looks_with_somebodys_eyes_and_changes_nothing(sales: TestInstallation) -> None:
    admin = sales.browser("administrator")
    sales.grant("ann", {f"{COMPANY}.{verb}": "own" for verb in ("see", "edit", "delete", "export")})
    mine, theirs = add_company(sales, "Mine", "ann"), add_company(sales, "Theirs", "administrator")
    ann = sales.user("ann").id
    assert admin.post(f"/view-as/{ann}").status_code == 303
    page = shown(admin, "/contacts/company/")
    assert "Mine" in page
    assert "Theirs" not in page
    assert "Nothing can be changed" in page
    assert admin.get(f"/contacts/company/{theirs}").status_code == 404
    assert admin.get("/admin/users/").status_code == 404
    refused = admin.post("/contacts/company/delete", data={"id": mine})
    assert refused.status_code == 403
    assert admin.post("/view-as/leave").status_code == 303
    assert "Theirs" in shown(admin, "/contacts/company/")
    with sales.acting() as session:
        from plugins.contacts.models import Company

        assert session.get(Company, mine).archived_at is None
        acts = session.execute(sa.select(Audit.action, Audit.actor_id).where(Audit.record_type == "core.user")).all()
    admin_id = sales.user("administrator").id
    assert {("viewed_as", admin_id), ("viewed_as_ended", admin_id)} <= {tuple(row) for row in acts}
    assert sales.browser("ann").post(f"/view-as/{admin_id}").status_code == 404


def test_a_role_that_opens_a_field_is_not_given_by_whom_the_field_is_closed_to(sales: TestInstallation) -> None:
    see = {f"{COMPANY}.see": "all"}
    sales.grant("manager", {"core.users.manage": "all"} | see, fields={COMPANY: {"city": "hidden", "website": "read"}})
    sales.grant("open", see)
    sales.grant("ajar", see, fields={COMPANY: {"city": "hidden"}})
    sales.grant("closed", see, fields={COMPANY: {"city": "hidden", "website": "hidden"}})
    manager, own = sales.browser("manager"), sales.user("manager").id
    for role, status in (("open", 422), ("ajar", 422), ("closed", 302)):
        answer = manager.post(f"/admin/users/{own}", data={"action": "role", "role": ["manager", role]})
        assert answer.status_code == status, role


def test_nobody_looks_with_the_eyes_of_somebody_who_may_do_more(sales: TestInstallation) -> None:
    sales.grant("looker", {"core.users.view_as": "all", f"{COMPANY}.see": "all"})
    sales.grant("less", {f"{COMPANY}.see": "own"})
    looker = sales.browser("looker")
    assert looker.post(f"/view-as/{sales.user('administrator').id}").status_code == 404
    assert looker.post(f"/view-as/{sales.user('user').id}").status_code == 404
    assert looker.post(f"/view-as/{sales.user('less').id}").status_code == 303


def test_counts_beside_a_list_count_only_what_is_seen(sales: TestInstallation) -> None:
    from plugins.contacts.models import Company
    from plugins.sales.models import Deal, Stage

    see = {f"{COMPANY}.see": "all"} | {f"sales.{name}.see": "all" for name in ("stage", "pipeline")}
    sales.grant("all", see | {"sales.deal.see": "all"})
    sales.grant("own", see | {"sales.deal.see": "own"})
    sales.grant("none", see)
    company, mine = add_company(sales, "Karimi", "administrator"), sales.user("own").id
    with sales.acting() as session:
        stage = session.scalars(sa.select(Stage).order_by(Stage.id)).first()
        for number in range(41):
            owner = mine if number == 0 else None
            session.add(Deal(name=f"Deal {number}", stage=stage, pipeline=stage.pipeline, owner_id=owner,
                             company=session.get(Company, company)))  # fmt: skip
        session.commit()

    def told(role: str) -> bool:
        page = shown(sales.browser(role), "/contacts/company/?columns=name,open_deals")
        return ">41<" in page.replace(" ", "").replace("\n", "")

    assert told("all")
    assert not told("own")
    assert not told("none")
