"""What a report counts, for whom, and where its figures lead."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from types import SimpleNamespace

import pytest
import sqlalchemy as sa

from core.errors import ValidationError
from core.parts import Report
from core.reports import kept
from core.reports.definition import check, read_report, source, stored
from core.reports.shown import ShownReport, show
from core.site.reader import reading_as
from core.testing.installation import Browser, TestInstallation
from plugins.contacts.models import Person
from plugins.sales.models import Deal, Stage
from plugins.sales.reports import FORECAST

JALALI = SimpleNamespace(language="fa", calendar="jalali", digits="persian", timezone="Asia/Tehran")


def shown(installation: TestInstallation, report: Report, role: str = "administrator") -> ShownReport:
    with installation.acting(role) as session:
        origin = source(report.record_type)
        assert origin is not None
        check(report, origin)
        return show(session, report, origin)


def lines(report: ShownReport) -> dict[str, str]:
    return {line.label: line.whole.text for line in report.lines}


def test_records_are_counted_by_a_choice_a_link_and_a_yes_or_no(installation: TestInstallation) -> None:
    assert lines(shown(installation, Report(record_type="sales.deal", group="company"))) == {
        "Red Kite Machines": "1",
        "None": "2",
    }
    by_status = shown(installation, Report(record_type="contacts.person", group="status"))
    assert sorted(lines(by_status).values())[-1] == "1"
    assert len(by_status.lines) > 1


def test_sums_are_told_by_currency_and_never_mixed(installation: TestInstallation) -> None:
    report = shown(installation, Report(record_type="sales.deal", measure="sum", number="amount"))
    assert report.total.text == "€200 + $1,500"
    assert report.currency == "USD"
    assert report.total.number == 1500


def test_an_average_is_of_all_records_and_not_of_groups(installation: TestInstallation) -> None:
    asked = Report(record_type="sales.deal", measure="average", number="probability", group="company")
    assert shown(installation, asked).total.number == pytest.approx(160 / 3)


def test_a_weighted_sum_counts_as_far_as_it_is_probable(installation: TestInstallation) -> None:
    report = shown(installation, FORECAST)
    assert report.lines[0].whole.values == {"USD": Decimal(550)}
    assert report.total.values["EUR"] == Decimal(200)
    assert len(report.lines) == 12
    assert len(report.splits) == 1


def test_every_figure_leads_to_exactly_its_records(installation: TestInstallation, browser: Browser) -> None:
    for asked in (FORECAST, Report(record_type="sales.deal", group="company"), Report(record_type="sales.deal")):
        report = shown(installation, asked)
        cells = [cell for line in report.lines for cell in (*line.cells, line.whole)] + [report.total]
        for url in {cell.url for cell in cells if cell.url}:
            answer = browser.get(url)
            assert answer.status_code == 200, url
        first = next(cell.url for line in report.lines for cell in line.cells if cell.url)
        assert "Roof" in browser.get(first).get_data(as_text=True)
        assert "Door" not in browser.get(first).get_data(as_text=True) or asked is not FORECAST


def test_months_are_those_of_the_readers_own_calendar(installation: TestInstallation) -> None:
    with installation.acting("administrator") as session, reading_as(JALALI):
        origin = source("sales.deal")
        assert origin is not None
        report = show(session, FORECAST, origin)
    assert all("۱۴" in line.label for line in report.lines)
    assert report.lines[0].whole.values == {"USD": Decimal(550)}


def test_a_moment_is_of_the_day_it_was_for_the_reader(installation: TestInstallation) -> None:
    with installation.acting() as session:
        late = dt.datetime.now(dt.UTC).replace(month=1, day=1, hour=0, minute=10) - dt.timedelta(hours=1)
        session.execute(sa.update(Deal).where(Deal.name == "Roof").values(created_at=late))
        session.commit()
    asked = Report(record_type="sales.deal", group="created_at", every="year")
    with installation.acting("administrator") as session:
        origin = source("sales.deal")
        assert origin is not None
        with reading_as(SimpleNamespace(language="en", calendar="gregorian", digits="latin", timezone="UTC")):
            assert show(session, asked, origin).lines[-2].whole.text == "1"
        with reading_as(SimpleNamespace(language="en", calendar="gregorian", digits="latin", timezone="Asia/Tehran")):
            assert show(session, asked, origin).lines[-1].whole.text == "3"


def test_hidden_records_are_in_no_figure(installation: TestInstallation) -> None:
    asked = Report(record_type="contacts.person")
    assert shown(installation, asked).total.text == "1"
    assert shown(installation, asked, "user").total.text == "0"


def test_a_hidden_record_gives_a_group_no_name(installation: TestInstallation) -> None:
    with installation.acting() as session:
        session.execute(sa.text("UPDATE contacts_contact SET private = :yes"), {"yes": True})
        session.commit()
    report = shown(installation, Report(record_type="sales.deal", group="company"), "user")
    assert lines(report) == {"None": "2", "Others": "1"}
    assert report.lines[1].whole.url is None


def test_a_number_compares_with_the_period_before(installation: TestInstallation) -> None:
    asked = Report(record_type="sales.deal", group="created_at", chart="number")
    report = shown(installation, asked)
    assert report.total.text == "3"
    assert report.before == "0"


@pytest.mark.parametrize(
    ("change", "blamed"),
    [
        ({"group": "name"}, "group"),
        ({"split": "expected_close", "group": "stage"}, "split"),
        ({"split": "stage"}, "split"),
        ({"measure": "sum"}, "number"),
        ({"measure": "weighted", "number": "amount", "weight": "name"}, "weight"),
        ({"measure": "most"}, "measure"),
        ({"every": "day"}, "every"),
        ({"chart": "pie"}, "chart"),
        ({"filters": {"secret__eq": "1"}}, "filters"),
    ],
)
def test_what_does_not_fit_is_refused_beside_its_field(
    installation: TestInstallation, change: dict[str, str], blamed: str
) -> None:
    with installation.acting("administrator"):
        origin = source("sales.deal")
        assert origin is not None
        with pytest.raises(ValidationError) as refused:
            check(read_report({"record_type": "sales.deal", **change}), origin)
    assert set(refused.value.errors) == {blamed}


def test_a_report_survives_being_stored() -> None:
    assert read_report(stored(FORECAST)) == FORECAST


def test_filters_and_search_of_an_older_report_are_one_condition(installation: TestInstallation) -> None:
    asked = Report(record_type="sales.deal", filters={"flt0_amount__ge": "5", "search": "roof"})
    with installation.acting("administrator"):
        origin = source("sales.deal")
        assert origin is not None
        narrowing, words = origin.condition(asked).tree["all"]
        assert (narrowing["field"], narrowing["op"], words) == ("amount", "ge", {"search": "roof"})
        for gone in ({"x__eq": "1"}, {"where": '{"field": "gone", "op": "empty"}'}):
            with pytest.raises(ValidationError):
                origin.condition(Report(record_type="sales.deal", filters=gone))


# --- kept figures


@pytest.fixture
def keeping(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything is worth keeping: a test has no table that takes long."""
    monkeypatch.setattr(kept, "WORTH_KEEPING", 0.0)


def test_kept_figures_are_shown_with_their_age_and_counted_again(
    installation: TestInstallation, keeping: None
) -> None:
    assert shown(installation, FORECAST).counted_at is None
    again = shown(installation, FORECAST)
    assert again.counted_at is not None
    assert again.lines[0].whole.values == {"USD": Decimal(550)}
    with installation.acting() as session:
        stage = session.scalars(sa.select(Stage)).first()
        today = dt.datetime.now(dt.UTC).date()
        session.add(Deal(name="Late", amount=50, probability=100, currency="USD", expected_close=today, stage=stage))
        session.commit()
        assert kept.refresh_reports(SimpleNamespace(report=lambda *_: None)) == 1  # type: ignore[arg-type]
    after = shown(installation, FORECAST)
    assert after.counted_at is not None
    assert after.lines[0].whole.values == {"USD": Decimal(600)}


def test_kept_figures_are_not_for_those_from_whom_something_is_hidden(
    installation: TestInstallation, keeping: None
) -> None:
    asked = Report(record_type="contacts.person")
    assert shown(installation, asked).total.text == "1"
    assert shown(installation, asked).counted_at is not None
    hidden = shown(installation, asked, "user")
    assert (hidden.total.text, hidden.counted_at) == ("0", None)
    with installation.acting() as session:
        assert session.scalar(sa.select(sa.func.count(Person.id))) == 1


def test_another_filter_is_another_question(installation: TestInstallation, keeping: None) -> None:
    shown(installation, Report(record_type="sales.deal"))
    assert shown(installation, Report(record_type="sales.deal", filters={"search": "roof"})).total.text == "1"


def test_figures_are_counted_while_redis_is_away(installation: TestInstallation, keeping: None) -> None:
    installation.runtime.queue.__dict__["client"] = SimpleNamespace(get=_away, set=_away, hset=_away)
    assert shown(installation, FORECAST).counted_at is None
    assert shown(installation, FORECAST).counted_at is None


def _away(*_args: object, **_kwargs: object) -> None:
    raise OSError("Redis is away.")
