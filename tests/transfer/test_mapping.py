"""Columns of files matched with columns of record types, and rows checked by them."""

from dataclasses import replace
from pathlib import Path

import pytest

from core.parts import ImportColumn, ImportHints
from core.records.catalog import RecordType
from core.records.record import Record
from core.records.transfer import cells
from core.records.transfer.cells import MONTH_FIRST
from core.records.transfer.checking import check_rows
from core.records.transfer.leftovers import Leftover, Leftovers, disarm, read_leftovers
from core.records.transfer.mapping import clean_mapping, doubled, likely_date_order, map_columns, missing
from core.records.transfer.readers import open_table
from core.records.transfer.targets import Target

COLUMNS = (
    ImportColumn(name="name", label="Name", synonyms=("نام", "title"), parse=cells.text(20), required=True),
    ImportColumn(name="email", label="E-mail", synonyms=("ایمیل",), parse=cells.emails),
    ImportColumn(name="born", label="Born", parse=cells.date),
)
TARGET = Target(RecordType(Record, "", ""), COLUMNS, ImportHints(), {})


@pytest.mark.parametrize(
    "header", [("Name", "e-mail"), ("NAME ", "EMAIL"), ("نام", "ايميل"), ("Title", "E_Mail")]
)
def test_titles_are_matched_in_any_spelling(header: tuple[str, ...]) -> None:
    assert map_columns(header, TARGET) == {0: "name", 1: "email"}


def test_no_column_is_used_twice_and_the_first_wins() -> None:
    assert map_columns(("نام", "Name", "other"), TARGET) == {0: "name"}


def test_a_target_that_recognises_a_format_goes_first() -> None:
    target = replace(TARGET, hints=ImportHints(recognise=lambda _header: {1: "name", 0: "unknown"}))
    assert map_columns(("Name", "x", "E-mail"), target) == {1: "name", 2: "email"}


def test_a_form_cannot_name_what_is_not_there() -> None:
    chosen = {"0": "name", "1": "password", "7": "email", "x": "email", "-1": "email", "²": "email"}
    assert clean_mapping(chosen, 3, TARGET) == {0: "name"}


def test_doubled_and_missing_are_told() -> None:
    assert doubled({0: "name", 1: "name", 2: "born"}) == ["name"]
    assert missing({0: "born"}, TARGET) == ["name"]


def test_the_order_of_dates_is_told_by_what_no_month_can_be() -> None:
    assert likely_date_order([["3/4/1990"], ["5/21/1990"]], {0: "born"}, TARGET) == MONTH_FIRST
    assert likely_date_order([["3/4/1990"], ["21/5/1990"]], {0: "born"}, TARGET) == "day"
    assert likely_date_order([["5/21/1990"]], {0: "name"}, TARGET) == "day"


def test_every_bad_cell_is_named_with_row_column_and_reason() -> None:
    header, mapping = ("Name", "E-mail", "Born"), {0: "name", 1: "email", 2: "born"}
    rows = [(2, ["Sara", "sara@mail.example", "1990-05-21"]), (3, ["", "sara@", "soon"])]
    good, bad = check_rows(rows, header, TARGET, mapping)
    assert not good.problems
    assert good.values["email"] == ("sara@mail.example",)
    assert [(p.row, p.column, p.title, p.typed) for p in bad.problems] == [
        (3, 2, "E-mail", "sara@"), (3, 3, "Born", "soon"), (3, 1, "Name", ""),
    ]  # fmt: skip
    assert "Name: This field is required." in bad.reason


def test_what_a_killed_run_wrote_beyond_its_commit_is_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "failed.csv"
    size = Leftovers(path, 0, ["name"]).append([Leftover(2, ["=cmd()"], "bad")])
    Leftovers(path, size, ["name"]).append([Leftover(3, ["lost"], "never committed")])
    Leftovers(path, size, ["name"]).append([Leftover(3, ["again"], "bad")])
    assert [tuple(row) for row in read_leftovers(path, 10)] == [(2, ["'=cmd()"], "bad"), (3, ["again"], "bad")]
    assert list(open_table(path).rows()) == [(2, ["=cmd()", "2", "bad"]), (3, ["again", "3", "bad"])]


def test_only_what_could_act_is_disarmed() -> None:
    cells_ = ["=1", "+98 912 000 4567", "-12.5", "-2+cmd|' /C calc'!A0", "@SUM(1)", "\t=1", "plain"]
    assert [disarm(cell) != cell for cell in cells_] == [True, False, False, True, True, True, False]
