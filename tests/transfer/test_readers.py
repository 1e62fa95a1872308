"""Files that other programs wrote, read as the rows their owners see."""

import csv
import io
import zipfile
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.records.transfer import readers
from core.records.transfer.limits import TableUnreadable
from core.records.transfer.readers import _rearmed, open_table

SAMPLES = Path(__file__).parent / "samples"


def write(folder: Path, content: bytes | str, encoding: str = "utf-8") -> Path:
    path = folder / "table"
    path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
    return path


@pytest.mark.parametrize(
    ("encoding", "found"),
    [("utf-8", "utf-8"), ("utf-8-sig", "utf-8-sig"), ("utf-16", "utf-16"), ("utf-16-le", "utf-16-le"),
     ("utf-16-be", "utf-16-be"), ("cp1256", "cp1256")],
)  # fmt: skip
def test_encoding_of_a_persian_file_is_found(tmp_path: Path, encoding: str, found: str) -> None:
    table = open_table(write(tmp_path, "name,city\nسارا كريمي,تهران\nعلي,شيراز\n", encoding))
    assert table.encoding == found
    assert [cells for _number, cells in table.rows()] == [["سارا كريمي", "تهران"], ["علي", "شيراز"]]


def test_accents_between_plain_letters_are_western(tmp_path: Path) -> None:
    table = open_table(write(tmp_path, "name;city\nJosé;Málaga\nZoë;Orléans\n", "cp1252"))
    assert table.encoding == "cp1252"
    assert table.rows().__next__() == (2, ["José", "Málaga"])


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_separator_is_found_although_cells_hold_the_others(tmp_path: Path, separator: str) -> None:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=separator)
    writer.writerows([["name", "note", "n"], ["a", "one, two; three", "1"], ["b", "x|y", "2"], ["c", "4", "5"]])
    table = open_table(write(tmp_path, out.getvalue()))
    assert table.separator == separator
    assert table.sample(1) == [(2, ["a", "one, two; three", "1"])]


def test_the_separator_line_of_excel_is_obeyed_and_left_out(tmp_path: Path) -> None:
    table = open_table(write(tmp_path, "sep=;\r\nname;city\r\na,b;c\r\n"))
    assert table.header == ("name", "city")
    assert list(table.rows()) == [(3, ["a,b", "c"])]


def test_line_breaks_in_quotes_stay_in_their_cell(tmp_path: Path) -> None:
    table = open_table(write(tmp_path, 'a,b\n"one\ntwo",2\n\n3,4\n'))
    assert list(table.rows()) == [(2, ["one\ntwo", "2"]), (4, ["3", "4"])]


def test_short_and_long_rows_take_the_width_of_the_header(tmp_path: Path) -> None:
    assert [cells for _n, cells in open_table(write(tmp_path, "a,b,\n1\n1,2,3,4\n")).rows()] == [["1", ""], ["1", "2"]]


def test_a_column_without_a_title_gets_a_number(tmp_path: Path) -> None:
    assert open_table(write(tmp_path, "a,,c\n1,2,3\n")).header == ("a", "Column 2", "c")


def test_an_apostrophe_that_disarms_a_formula_is_taken_off(tmp_path: Path) -> None:
    assert open_table(write(tmp_path, "a,b\n'=1+1,'quoted'\n")).sample(1) == [(2, ["=1+1", "'quoted'"])]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"\r\n , \r\n", "empty"),
        (b"%PDF-1.7 ...", "not a table"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old or a protected Excel"),
        (b"PK\x03\x04 this is no zip", "damaged"),
        (b"\x00\x01\x02\x03" * 100, "not a table"),
        (("," * 250 + "x").encode(), "more than 200 columns"),
    ],
)
def test_what_is_no_table_is_refused_with_a_sentence(tmp_path: Path, content: bytes, reason: str) -> None:
    with pytest.raises(TableUnreadable, match=reason):
        open_table(write(tmp_path, content))


def test_a_quote_that_never_closes_names_its_row(tmp_path: Path) -> None:
    table = open_table(write(tmp_path, "a,b\n1,2\n" + '"' + "x" * 200_000))
    with pytest.raises(TableUnreadable, match="Row 3"):
        list(table.rows())


def test_a_chosen_encoding_that_does_not_fit_is_said(tmp_path: Path) -> None:
    path = write(tmp_path, "نام\nسارا\n", "cp1256")
    with pytest.raises(TableUnreadable, match="encoding utf-8"):
        open_table(path, encoding="utf-8", separator=",")


def test_rows_beyond_the_limit_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readers, "MAX_ROWS", 2)
    with pytest.raises(TableUnreadable, match="more than 2 rows"):
        list(open_table(write(tmp_path, "a\n1\n2\n3\n")).rows())


def test_a_workbook_gives_dates_numbers_and_texts() -> None:
    table = open_table(SAMPLES / "people.xlsx")
    assert table.kind == "xlsx"
    assert list(table.rows()) == [
        (2, ["Iris", "Larkspur", "9120005555", "iris@mail.example", "1985-07-01", "Green Lantern Software", "12.5"]),
        (4, ["Leo", "Pinewater", "0912 000 6666", "leo@mail.example", "1364/04/10", "", ""]),
    ]


def test_a_formula_gives_the_value_it_had_when_saved_never_its_text(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["a", "b"])
    sheet.append(["=1+1", "x"])
    book.save(tmp_path / "table")
    assert list(open_table(tmp_path / "table").rows()) == [(2, ["", "x"])]


def packed(folder: Path, **parts: bytes) -> Path:
    """The sample workbook with some parts exchanged."""
    path = folder / "table.xlsx"
    with zipfile.ZipFile(SAMPLES / "people.xlsx") as source, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        for part in source.infolist():
            key = part.filename.rsplit("/", 1)[-1].split(".")[0]
            target.writestr(part.filename, parts.get(key, source.read(part)))
    return path


def test_a_workbook_that_claims_a_million_rows_is_read_by_what_it_holds(tmp_path: Path) -> None:
    with zipfile.ZipFile(SAMPLES / "people.xlsx") as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml").decode()
    claimed = sheet.replace('<dimension ref="A1:G4" />', '<dimension ref="A1:XFD1048576" />')
    claimed = claimed.replace('<dimension ref="A1:G4"/>', '<dimension ref="A1:XFD1048576"/>')
    assert claimed != sheet
    assert open_table(packed(tmp_path, sheet1=claimed.encode())).count() == 2


def test_a_zip_bomb_is_refused_before_it_is_opened(tmp_path: Path) -> None:
    bomb = b"<worksheet>" + b" " * 50_000_000
    with pytest.raises(TableUnreadable, match="too large when unpacked"):
        open_table(packed(tmp_path, sheet1=bomb))


def test_a_workbook_with_entities_is_refused(tmp_path: Path) -> None:
    evil = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa">]><worksheet>&a;</worksheet>'
    with pytest.raises(TableUnreadable, match="damaged"):
        open_table(packed(tmp_path, sheet1=evil))


def test_a_workbook_cut_off_is_refused(tmp_path: Path) -> None:
    whole = (SAMPLES / "people.xlsx").read_bytes()
    with pytest.raises(TableUnreadable, match="damaged"):
        open_table(write(tmp_path, whole[: len(whole) // 2]))
    with pytest.raises(TableUnreadable, match="damaged"):
        open_table(packed(tmp_path, sheet1=b"<worksheet><sheetData><row>")).count()


LETTERS = st.one_of(st.characters(exclude_categories=("Cs", "Cc")), st.sampled_from("\n\r\t\",;"))
CELLS = st.text(LETTERS, max_size=20)
TABLES = st.integers(2, 5).flatmap(
    lambda width: st.lists(st.lists(CELLS, min_size=width, max_size=width), min_size=1, max_size=8)
)


@given(TABLES, st.sampled_from([",", ";", "\t"]), st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]))
@settings(max_examples=150, deadline=None)
def test_what_a_program_writes_is_what_is_read(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]], separator: str, encoding: str
) -> None:
    out = io.StringIO(newline="")
    header = [f"column {n}" for n in range(len(rows[0]))]
    csv.writer(out, delimiter=separator, quoting=csv.QUOTE_ALL).writerows([header, *rows])
    table = open_table(write(tmp_path_factory.mktemp("round"), out.getvalue(), encoding), separator=separator)
    read = [cells for _number, cells in table.rows()]
    expected = [
        [_rearmed(cell) for cell in row]
        for row in rows
        if any(cell.strip() for cell in row)
    ]
    assert read == expected
