"""What a file is, by its content. Its name and what the browser says about it are only somebody's word."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import puremagic
from PIL import Image, UnidentifiedImageError

from core.text import clean

OTHER = "other"
UNKNOWN = "application/octet-stream"
HEAD = 64 * 1024  # bytes by which a file is judged
NAME_LIMIT = 200

_IMAGES = {"PNG": "image/png", "JPEG": "image/jpeg", "GIF": "image/gif", "WEBP": "image/webp", "BMP": "image/bmp",
           "TIFF": "image/tiff"}  # fmt: skip
# The names of a type's files; the first is added to a name that claims to be something else.
EXTENSIONS = {
    "image/png": ("png",),
    "image/jpeg": ("jpg", "jpeg", "jpe", "jfif"),
    "image/gif": ("gif",),
    "image/webp": ("webp",),
    "image/bmp": ("bmp",),
    "image/tiff": ("tiff", "tif"),
    "application/pdf": ("pdf",),
    "text/plain": ("txt", "csv", "tsv", "md", "log", "json", "vcf", "ics", "eml", "srt", "yaml", "yml", "ini"),
    "application/zip": ("zip", "kmz", "epub"),
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ("docx",),
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ("xlsx",),
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": ("pptx",),
    "application/vnd.oasis.opendocument.text": ("odt",),
    "application/vnd.oasis.opendocument.spreadsheet": ("ods",),
    "application/vnd.oasis.opendocument.presentation": ("odp",),
    "application/msword": ("doc", "xls", "ppt", "msg"),
    "application/rtf": ("rtf",),
}
_ARCHIVES = frozenset(
    {"application/zip", "application/gzip", "application/x-gzip", "application/x-7z-compressed", "application/x-tar",
     "application/x-bzip2", "application/x-xz", "application/vnd.rar", "application/x-rar-compressed"}
)  # fmt: skip
# What begins a page or a drawing that a browser would run (WHATWG MIME Sniffing, section 7.1, and XML).
_MARKUP = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:<!--.*?-->\s*|<\?.*?\?>\s*)*<(?:!doctype|html|head|body|script|iframe|svg|style|table|title|h1|div|font|a|b|p|br|img"
    rb"|object|embed|math|\?xml|[a-z]+:svg)\b",
    re.IGNORECASE | re.DOTALL,
)
_SCRIPT = re.compile(rb"<\s*(?:script|svg|iframe|object|embed)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Kind:
    """What a file is: one of ``core.variables.ATTACHMENT_KINDS``, and its content type."""

    name: str
    content_type: str


def kind_of(path: Path) -> Kind:
    """What the file at ``path`` is."""
    with path.open("rb") as file:
        head = file.read(HEAD)
    if (image := _image(path)) is not None:
        return image
    if head.startswith(b"%PDF-"):
        return Kind("pdf", "application/pdf")
    if head.startswith(b"PK\x03\x04"):
        return _zip(head, path)
    if head.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        return Kind("office", "application/msword")
    if head.startswith(b"{\\rtf"):
        return Kind("office", "application/rtf")
    if _is_text(head):
        return Kind(OTHER, "text/html") if _MARKUP.match(head) or _SCRIPT.search(head) else Kind("text", "text/plain")
    return _by_magic(head)


def safe_name(name: str, kind: Kind) -> str:
    """``name`` as it is kept: no folders, no control characters, and an extension that does not belie the content."""
    last = clean(re.sub(r"[\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069]", "", name)).replace("\\", "/").rpartition("/")[2]
    last = last.strip(" .") or "file"
    known = EXTENSIONS.get(kind.content_type, ())
    extension = PurePosixPath(last).suffix[1:].lower()
    if known and extension not in known:
        last = f"{last[: NAME_LIMIT - 8]}.{known[0]}"
    if len(last) > NAME_LIMIT:
        stem, dot, ending = last.rpartition(".")
        kept = f"{dot}{ending}" if stem and len(ending) < 12 else ""
        last = (stem if kept else last)[: NAME_LIMIT - len(kept)] + kept
    return last


def _image(path: Path) -> Kind | None:
    """An image of a format that browsers draw and that carries no program; only its header is read."""
    try:
        with Image.open(path, formats=tuple(_IMAGES)) as image:
            return Kind("image", _IMAGES[image.format or ""])
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError, ValueError, KeyError):
        return None


def _zip(head: bytes, path: Path) -> Kind:
    """An office document is a zip archive with certain names in it, which stand there uncompressed."""
    if head[30:38] == b"mimetype" and (match := re.match(rb"application/vnd\.oasis\.opendocument\.[a-z-]+", head[38:])):
        return Kind("office", match[0].decode())
    with path.open("rb") as file:
        file.seek(max(path.stat().st_size - 4 * HEAD, 0))
        names = head + file.read(4 * HEAD)
    if b"[Content_Types].xml" in names:
        types = list(EXTENSIONS)
        for folder, wanted in (("word/", "wordprocessingml"), ("xl/", "spreadsheetml"), ("ppt/", "presentationml")):
            if folder.encode() in names:
                return Kind("office", next(name for name in types if wanted in name))
    return Kind("archive", "application/zip")


def _is_text(head: bytes) -> bool:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return True
    if b"\x00" in head:
        return False
    try:
        head.decode()
    except UnicodeDecodeError as error:
        # The last character may have been cut in two; older Persian files are in Windows-1256.
        if error.start < len(head) - 4 and any(byte < 32 and byte not in b"\t\r\n\x0c\x1b" for byte in head):
            return False
        return sum(byte >= 128 for byte in head) <= len(head) * 0.9 and _looks_written(head)
    return not any(byte < 32 and byte not in b"\t\r\n\x0c\x1b" for byte in head)


def _looks_written(head: bytes) -> bool:
    """Whether bytes of an unknown encoding have the spaces and lines of something written."""
    return any(mark in head for mark in (b" ", b"\n", b",", b"\t")) and not any(
        byte < 32 and byte not in b"\t\r\n\x0c\x1b" for byte in head
    )


def _by_magic(head: bytes) -> Kind:
    try:
        found = puremagic.magic_string(head)
    except (puremagic.PureError, ValueError):
        return Kind(OTHER, UNKNOWN)
    types = [match.mime_type for match in found if match.mime_type and match.confidence >= 0.4]
    for content_type in types[:3]:
        family = content_type.partition("/")[0]
        if family in ("audio", "video"):
            return Kind(family, content_type)
        if content_type in _ARCHIVES:
            return Kind("archive", content_type)
    return Kind(OTHER, UNKNOWN)
