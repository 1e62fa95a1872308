"""What a role grants, how far, under which rules, and with which fields: at the session, for reads and for writes."""

from collections.abc import Callable

import pytest
import sqlalchemy as sa

from core.accounts.models import now
from core.accounts.roles import RecordRule
from core.accounts.teams import Team, TeamMember
from core.errors import Forbidden
from core.records.policy import may
from core.testing.installation import TestInstallation

VERBS = ("see", "create", "edit", "delete")


@pytest.fixture
def sales(make_site: Callable[..., TestInstallation], dialect: str) -> TestInstallation:
    return make_site("contacts", "sales", dialect=dialect)


def scope(name: str, *verbs: str, record_type: str = "contacts.company") -> dict[str, str]:
    return {f"{record_type}.{verb}": name for verb in verbs or VERBS}


def rule(condition: dict[str, object], *verbs: str, record_type: str = "contacts.company") -> RecordRule:
    return RecordRule(record_type=record_type, name="rule", verbs=list(verbs or ("see",)), condition=condition)


def add_companies(sales: TestInstallation, **owners: str) -> None:
    from plugins.contacts.models import Company

    ids = {name: sales.user(role).id for name, role in owners.items()}
    with sales.acting() as session:
        session.add_all(Company(name=name, city="Shiraz", owner_id=number) for name, number in ids.items())
        session.commit()


def seen(sales: TestInstallation, role: str) -> list[str]:
    from plugins.contacts.models import Company, Contact

    with sales.acting(role) as session:
        found = sorted(str(one) for one in session.scalars(sa.select(Company)))
        assert session.scalar(sa.select(sa.func.count()).select_from(Company)) == len(found)
        everything = sa.select(Contact).where(Contact.kind == "company")
        assert sorted(str(one) for one in session.scalars(everything)) == found
        return found


def refused(sales: TestInstallation, role: str, change: Callable[[object], None]) -> bool:
    from plugins.contacts.models import Company

    with sales.acting(role) as session:
        record = session.scalars(sa.select(Company).where(Company.name == "Theirs")).one_or_none()
        if record is None:
            return True
        try:
            change(record)
            session.commit()
        except Forbidden:
            session.rollback()
            return True
        return False


@pytest.fixture
def teams(sales: TestInstallation) -> TestInstallation:
    """North holds Ann and Ben, its part City holds Cem; Dan is in none."""
    for role in ("ann", "ben", "cem", "dan"):
        sales.grant(role, scope("all"))
    ids = {role: sales.user(role).id for role in ("ann", "ben", "cem", "dan")}
    with sales.acting() as session:
        north = Team(name="North")
        session.add(north)
        session.flush()
        city = Team(name="City", parent_id=north.id)
        session.add(city)
        session.flush()
        members = ((north, "ann"), (north, "ben"), (city, "cem"))
        session.add_all(TeamMember(team_id=team.id, user_id=ids[role]) for team, role in members)
        session.commit()
    add_companies(sales, Anns="ann", Bens="ben", Cems="cem", Dans="dan")
    return sales


@pytest.mark.parametrize(
    ("reach", "names"),
    [
        ("none", []),
        ("own", ["Anns"]),
        ("team", ["Anns", "Bens"]),
        ("teams", ["Anns", "Bens", "Cems"]),
        ("all", ["Anns", "Bens", "Cems", "Dans"]),
    ],
)
def test_a_scope_says_whose_records_are_seen(teams: TestInstallation, reach: str, names: list[str]) -> None:
    teams.grant("ann", scope(reach, "see"))
    assert seen(teams, "ann") == names


def test_members_of_a_part_do_not_see_the_team_above(teams: TestInstallation) -> None:
    teams.grant("cem", scope("teams", "see"))
    assert seen(teams, "cem") == ["Cems"]


def test_several_roles_add_up(teams: TestInstallation) -> None:
    from core.accounts.models import Role, User

    teams.grant("ann", scope("own", "see"))
    teams.grant("shiraz", rules=[rule({"field": "name", "op": "eq", "value": "Dans"})], scopes=scope("all", "see"))
    ann = teams.user("ann").id
    with teams.acting() as session:
        user = session.get(User, ann)
        user.roles.append(session.scalars(sa.select(Role).where(Role.name == "shiraz")).one())
        session.commit()
    assert seen(teams, "ann") == ["Anns", "Dans"]


@pytest.mark.parametrize("verb", ["edit", "delete"])
def test_a_narrower_scope_for_a_verb_refuses_the_write_and_stores_nothing(sales: TestInstallation, verb: str) -> None:
    from core.records.archive import archive
    from plugins.contacts.models import Company

    sales.grant("ann", scope("all") | scope("own", verb))
    add_companies(sales, Theirs="administrator")

    def change(record: object) -> None:
        if verb == "edit":
            record.city = "Yazd"
        else:
            archive(record)

    assert refused(sales, "ann", change)
    with sales.acting() as session:
        stored = session.scalars(sa.select(Company)).one()
        assert (stored.city, stored.archived_at) == ("Shiraz", None)
    sales.grant("ann", scope("all", verb))
    assert not refused(sales, "ann", change)


def test_a_record_in_the_recycle_bin_is_edited_by_nobody(sales: TestInstallation) -> None:
    from plugins.contacts.models import Company

    sales.grant("ann", scope("all"))
    add_companies(sales, Theirs="administrator")
    with sales.acting() as session:
        session.scalars(sa.select(Company)).one().archived_at = now()
        session.commit()
    with sales.acting("ann") as session:
        record = session.scalars(sa.select(Company).execution_options(include_archived=True)).one()
        assert (may("contacts.company.edit", record), may("contacts.company.delete", record)) == (False, True)
        record.city = "Yazd"
        with pytest.raises(Forbidden):
            session.commit()
        session.rollback()


def test_a_change_does_not_bring_a_record_within_reach_by_itself(sales: TestInstallation) -> None:
    sales.grant("ann", scope("all") | scope("own", "edit"))
    add_companies(sales, Theirs="administrator")
    mine = sales.user("ann").id

    def take(record: object) -> None:
        record.owner_id = mine

    assert refused(sales, "ann", take)


def test_a_rule_is_asked_about_the_record_as_it_is_stored(sales: TestInstallation) -> None:
    sales.grant(
        "ann", scope("all"), rules=[rule({"field": "city", "op": "eq", "value": "Yazd"}, "edit")]
    )
    add_companies(sales, Theirs="administrator")

    def move(record: object) -> None:
        record.city = "Yazd"

    assert refused(sales, "ann", move)


def test_who_may_make_only_his_own_makes_nobody_elses(sales: TestInstallation) -> None:
    from plugins.contacts.models import Company

    sales.grant("ann", scope("all") | scope("own", "create"))
    other, mine = sales.user("administrator").id, sales.user("ann").id
    with sales.acting("ann") as session:
        session.add(Company(name="Theirs", owner_id=other))
        with pytest.raises(Forbidden):
            session.commit()
        session.rollback()
        session.add(Company(name="Mine"))
        session.commit()
        assert [one.owner_id for one in session.scalars(sa.select(Company))] == [mine]


def test_nobody_points_a_record_at_one_beyond_his_scope(sales: TestInstallation) -> None:
    from plugins.contacts.models import Company, Person

    sales.grant("ann", scope("own") | scope("all", record_type="contacts.person"))
    add_companies(sales, Theirs="administrator", Mine="ann")
    with sales.acting() as session:
        ids = {one.name: one.id for one in session.scalars(sa.select(Company))}
    with sales.acting("ann") as session:
        session.add(Person(first_name="Ada", company_id=ids["Mine"]))
        session.commit()
        session.add(Person(first_name="Eve", company_id=ids["Theirs"]))
        with pytest.raises(Forbidden):
            session.commit()
        session.rollback()


def test_a_rule_that_can_no_longer_be_read_lets_nothing_pass(sales: TestInstallation) -> None:
    sales.grant("ann", scope("all"), rules=[rule({"field": "gone", "op": "eq", "value": "x"})])
    add_companies(sales, Theirs="ann")
    assert seen(sales, "ann") == []


def test_a_rule_through_a_link_goes_by_what_the_reader_sees(sales: TestInstallation) -> None:
    from plugins.contacts.models import Company, Person

    everyone = {"field": "company.city", "op": "eq", "value": "Shiraz"}
    sales.grant(
        "ann",
        scope("own") | scope("all", record_type="contacts.person"),
        rules=[rule(everyone, record_type="contacts.person")],
    )
    add_companies(sales, Theirs="administrator", Mine="ann")
    with sales.acting() as session:
        companies = {one.name: one.id for one in session.scalars(sa.select(Company))}
        session.add_all(Person(first_name=name, company_id=number) for name, number in companies.items())
        session.commit()
    with sales.acting("ann") as session:
        assert [str(one) for one in session.scalars(sa.select(Person))] == ["Mine"]


def test_rules_of_kinds_hold_for_what_they_have_in_common(sales: TestInstallation) -> None:
    from sqlalchemy.orm import aliased

    from plugins.contacts.models import Contact, Person

    city, name = {"field": "city", "op": "eq", "value": "Shiraz"}, {"field": "last_name", "op": "eq", "value": "Byron"}
    sales.grant(
        "ann",
        scope("all") | scope("all", record_type="contacts.person"),
        rules=[rule(city), rule(name, record_type="contacts.person")],
    )
    add_companies(sales, Near="administrator")
    with sales.acting() as session:
        session.add_all([Person(first_name="Ada", last_name="Byron"), Person(first_name="Eve", last_name="Moneypenny")])
        session.commit()
    other = aliased(Contact)
    with sales.acting("ann") as session:
        for entity in (Contact, other):
            assert sorted(str(one) for one in session.scalars(sa.select(entity))) == ["Ada Byron", "Near"]
            assert session.scalar(sa.select(sa.func.count()).select_from(entity)) == 2


# --- fields


def test_a_hidden_field_is_not_selected_and_empty(sales: TestInstallation) -> None:
    from plugins.sales.models import Deal

    sales.grant(
        "ann", scope("all", record_type="sales.deal"), fields={"sales.deal": {"amount": "hidden", "contact": "hidden"}}
    )
    add_deal(sales)
    asked: list[str] = []
    sa.event.listen(
        sales.runtime.database.engine, "before_cursor_execute", lambda _c, _k, statement, *_: asked.append(statement)
    )
    with sales.acting("ann") as session:
        deal = session.scalars(sa.select(Deal)).one()
        assert (deal.amount, deal.contact_id, deal.contact) == (None, None, None)
        session.refresh(deal)
        assert deal.amount is None
        session.expire(deal)
        assert deal.amount is None
    read = [statement for statement in asked if "FROM sales_deal" in statement]
    assert read
    assert not [statement for statement in read if "sales_deal.amount" in statement.split("FROM")[0]]
    with sales.acting("administrator") as session:
        assert session.scalars(sa.select(Deal)).one().amount == 500


def add_deal(sales: TestInstallation) -> None:
    from plugins.contacts.models import Person
    from plugins.sales.models import Deal, Stage

    with sales.acting() as session:
        stage = session.scalars(sa.select(Stage).order_by(Stage.id)).first()
        ada = Person(first_name="Ada", phones=[])
        session.add(Deal(name="Pumps", amount=500, stage=stage, pipeline=stage.pipeline, contact=ada))
        session.commit()


def test_hidden_columns_and_parts_are_refused_and_not_found_when_asked_for_by_themselves(
    sales: TestInstallation,
) -> None:
    from plugins.contacts.models import Person, PhoneNumber
    from plugins.sales.models import Deal

    sales.grant(
        "ann",
        scope("all", record_type="sales.deal") | scope("all", record_type="contacts.person"),
        fields={"sales.deal": {"amount": "hidden"}, "contacts.person": {"phones": "hidden"}},
    )
    add_deal(sales)
    with sales.acting() as session:
        session.scalars(sa.select(Person)).one().phones = [PhoneNumber(number="+982188776655")]
        session.commit()
    with sales.acting("ann") as session:
        for statement in (
            sa.select(Deal.amount),
            sa.select(sa.func.sum(Deal.amount)),
            sa.select(sa.func.sum(sa.select(Deal.amount).subquery().c.amount)),
        ):
            with pytest.raises(Forbidden):
                session.execute(statement)
        assert session.scalars(sa.select(Deal.name)).all() == ["Pumps"]
        assert session.scalars(sa.select(PhoneNumber)).all() == []
        assert session.scalars(sa.select(Person)).one().phones == []


@pytest.mark.parametrize("access", ["hidden", "read"])
def test_a_closed_field_is_not_written_and_what_is_hidden_survives_a_save(sales: TestInstallation, access: str) -> None:
    from plugins.contacts.models import Person, PhoneNumber

    sales.grant(
        "ann",
        scope("all", record_type="contacts.person"),
        fields={"contacts.person": {"job_title": access, "phones": access}},
    )
    with sales.acting() as session:
        session.add(Person(first_name="Ada", job_title="Analyst", phones=[PhoneNumber(number="+982188776655")]))
        session.commit()
    with sales.acting("ann") as session:
        ada = session.scalars(sa.select(Person)).one()
        ada.job_title = "Boss"
        with pytest.raises(Forbidden):
            session.commit()
        session.rollback()
        ada = session.scalars(sa.select(Person)).one()
        ada.phones.append(PhoneNumber(number="+982188776656"))
        with pytest.raises(Forbidden):
            session.commit()
        session.rollback()
        session.add(Person(first_name="Eve", job_title="Boss"))
        with pytest.raises(Forbidden):
            session.commit()
        session.rollback()
        ada = session.scalars(sa.select(Person)).one()
        ada.first_name = "Augusta"
        session.commit()
        assert (ada.job_title is None) == (access == "hidden")
        assert (ada.phones == []) == (access == "hidden")
    with sales.acting() as session:
        ada = session.scalars(sa.select(Person)).one()
        assert (str(ada), ada.job_title, [str(phone.number) for phone in ada.phones]) == (
            "Augusta", "Analyst", ["+982188776655"],
        )  # fmt: skip
        assert "88776655" in ada.search_text


def test_the_most_open_of_several_roles_counts_for_a_field(sales: TestInstallation) -> None:
    from core.accounts.models import Role, User

    hidden = {"contacts.company": {"city": "hidden"}}
    sales.grant("ann", scope("all"), fields=hidden)
    sales.grant("blind", scope("none"))
    sales.grant("open", scope("all"))
    add_companies(sales, Theirs="ann")

    def add_role(name: str) -> None:
        ann = sales.user("ann").id
        with sales.acting() as session:
            user = session.get(User, ann)
            user.roles.append(session.scalars(sa.select(Role).where(Role.name == name)).one())
            session.commit()

    def city() -> str | None:
        from plugins.contacts.models import Company

        with sales.acting("ann") as session:
            return session.scalars(sa.select(Company)).one().city

    assert city() is None
    add_role("blind")  # a role that shows no companies says nothing of their fields
    assert city() is None
    add_role("open")
    assert city() == "Shiraz"
