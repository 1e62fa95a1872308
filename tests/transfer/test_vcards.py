"""Address cards read as rows."""

from pathlib import Path

import pytest

from core.records.transfer.checking import Checker
from core.records.transfer.readers import open_table
from core.records.transfer.vcards import Unreadable

THREE = """BEGIN:VCARD
VERSION:3.0
N:کریمی;سارا;;;
FN:سارا کریمی
ORG:درنای آبی;فروش
TEL;TYPE=CELL:0912 000 1111
TEL;TYPE=WORK,VOICE:021-5550-1234
TEL;TYPE=WORK,FAX:02155501235
EMAIL;TYPE=INTERNET:sara@mail.example
EMAIL;TYPE=HOME:s@home.example
ADR;TYPE=HOME:;;خیابان بهار ۲;شیراز;فارس;71345;ایران
BDAY:1990-05-21
NOTE:دوست علی\\, همکار قدیم\\nچای دوست دارد
PHOTO;ENCODING=b;TYPE=JPEG:/9j/4AAQSkZJRgABAQ
 AAAAAAAAAAAAAAAAAA==
CATEGORIES:VIP,Newsletter
END:VCARD
"""
FOUR = """BEGIN:VCARD
VERSION:4.0
FN:Maya Northwind
N:Northwind;Maya;Rose;;
TEL;VALUE=uri;TYPE="voice,home":tel:+44-7700-900123
EMAIL;PREF=1:mailto:maya@mail.example
ORG:Blue Heron
TITLE:Buyer
BDAY:19880229
END:VCARD
"""
QUOTED = """BEGIN:VCARD
VERSION:2.1
N;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:;=D8=B9=D9=84=DB=8C;;;
FN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:=D8=B9=D9=84=DB=8C
TEL;CELL:09120002222
END:VCARD
"""


def rows(folder: Path, text: str) -> list[dict[str, str]]:
    path = folder / "cards"
    path.write_text(text, encoding="utf-8")
    table = open_table(path)
    assert table.kind == "vcf"
    return [dict(zip(table.header, cells, strict=True)) for _number, cells in table.rows()]


def test_a_persian_card_of_a_phone(tmp_path: Path) -> None:
    (row,) = rows(tmp_path, THREE)
    assert (row["First name"], row["Last name"], row["Organization name"]) == ("سارا", "کریمی", "درنای آبی")
    assert (row["Mobile phone"], row["Work phone"], row["Fax"]) == ("0912 000 1111", "021-5550-1234", "02155501235")
    assert row["Email"] == "sara@mail.example ::: s@home.example"
    assert (row["Address"], row["City"], row["Country"]) == ("خیابان بهار ۲", "شیراز", "ایران")
    assert row["Notes"] == "دوست علی, همکار قدیم\nچای دوست دارد"
    assert row["Categories"] == "VIP,Newsletter"
    assert "9j/4" not in "".join(row.values())


def test_cards_of_the_fourth_and_the_second_version(tmp_path: Path) -> None:
    maya, ali = rows(tmp_path, FOUR + QUOTED)
    assert (maya["First name"], maya["Middle name"], maya["Job title"]) == ("Maya", "Rose", "Buyer")
    assert (maya["Home phone"], maya["Email"]) == ("+44-7700-900123", "maya@mail.example")
    assert (ali["Full name"], ali["Mobile phone"]) == ("علی", "09120002222")


@pytest.mark.parametrize("broken", ["FN:Broken\nTHIS IS NO LINE\nEND:VCARD\n", "FN:Broken\n"])
def test_a_broken_card_is_reported_and_the_others_are_read(tmp_path: Path, broken: str) -> None:
    path = tmp_path / "cards"
    path.write_text(f"BEGIN:VCARD\nVERSION:3.0\n{broken}{FOUR}", encoding="utf-8")
    table = open_table(path)
    found = list(table.rows())
    assert len(found) == 2
    assert isinstance(found[0][1], Unreadable)

    class Nothing:
        columns = ()

    checked = Checker(table.header, Nothing(), {}).check(found)
    assert [row.reason for row in checked] == ["This address card is damaged.", ""]
