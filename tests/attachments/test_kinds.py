"""What a file is, its content says; what it is called, its name."""

import io
import struct
import zipfile
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from core.records.attachments.kinds import NAME_LIMIT, Kind, kind_of, safe_name
from core.records.attachments.thumbnails import SIDE, make_thumbnail

TEXT = Kind("text", "text/plain")


def picture(format_: str = "PNG", size: tuple[int, int] = (400, 300)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, "teal").save(buffer, format_)
    return buffer.getvalue()


def huge_png() -> bytes:
    """A few bytes that claim to be an image of ten thousand million pixels."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0)
    chunks = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def office(folder: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr(f"{folder}/document.xml", "<x/>")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (picture("PNG"), "image"),
        (picture("JPEG"), "image"),
        (picture("WEBP"), "image"),
        (b"%PDF-1.7\n...", "pdf"),
        (office("word"), "office"),
        (office("xl"), "office"),
        (b"PK\x03\x04" + b"\0" * 60, "archive"),
        ("سلام، دنیا\n".encode(), "text"),
        ("سلام، دنيا؛ اين يك متن است\n".encode("windows-1256"), "text"),
        (b"name,city\nSara,Shiraz\n", "text"),
        (b"<!DOCTYPE html><script>alert(1)</script>", "other"),
        (b"\xef\xbb\xbf  <html>", "other"),
        (b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "other"),
        (b"<!-- hello --><svg onload=alert(1)>", "other"),
        (b"plain words, then <script>alert(1)</script>", "other"),
        (b"MZ\x90\x00\x03\x00\x00\x00" + b"\0" * 100, "other"),
        (b"\x7fELF\x02\x01\x01" + b"\0" * 100, "other"),
    ],
)
def test_a_file_is_what_its_content_says(tmp_path: Path, content: bytes, kind: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    assert kind_of(path).name == kind


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for a file that is written again and again."""
    return tmp_path_factory.mktemp("kinds")


@given(st.binary(max_size=300))
def test_any_bytes_are_of_some_kind(folder: Path, content: bytes) -> None:
    path = folder / "file"
    path.write_bytes(content)
    assert kind_of(path).content_type
    make_thumbnail(path, 1)


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../etc/passwd", "passwd.txt"),
        ("C:\\Users\\me\\notes.txt", "notes.txt"),
        ("page.html", "page.html.txt"),
        ("gpj.\u202etxt", "gpj.txt"),
        ("a\r\nSet-Cookie: x=y.txt", "aSet-Cookie: x=y.txt"),
        ("...", "file.txt"),
        ("", "file.txt"),
        ("گزارش ماه.txt", "گزارش ماه.txt"),
    ],
)
def test_a_name_is_only_a_name_and_does_not_belie_the_content(name: str, kept: str) -> None:
    assert safe_name(name, TEXT) == kept


@given(st.text(max_size=400))
def test_any_name_becomes_one_that_can_be_kept(name: str) -> None:
    kept = safe_name(name, TEXT)
    assert 0 < len(kept) <= NAME_LIMIT
    assert "/" not in kept
    assert "\n" not in kept


def test_a_thumbnail_is_small_and_keeps_its_shape(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(picture("JPEG", (1200, 600)))
    made = make_thumbnail(path, 50)
    assert made is not None
    assert Image.open(io.BytesIO(made)).size == (SIDE, SIDE // 2)


def test_an_image_that_claims_too_much_is_never_decoded(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(huge_png())
    assert make_thumbnail(path, 50) is None
    path.write_bytes(picture("PNG", (1100, 1000)))
    assert make_thumbnail(path, 1) is None


def test_a_broken_image_is_one_without_a_thumbnail(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(picture("JPEG")[:400])
    assert make_thumbnail(path, 50) is None
