"""The text of a file, in whatever Unicode it comes; no other encoding is guessed."""

from __future__ import annotations

import codecs
import gzip
import zlib

from batchctl.errors import UsageError

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    # Before UTF-16, whose mark is the beginning of this one.
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_GZIP = b"\x1f\x8b"
_OTHER_FILES = {
    b"PK\x03\x04": "an archive or a workbook (.xlsx)",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook (.xls)",
    b"PAR1": "Parquet",
    b"SQLite format 3\x00": "an SQLite database",
}


def decoded(content: bytes, name: str) -> str:
    """Return the text, which may be compressed with gzip: UTF-8, or what its byte order mark says.

    Raises UsageError that says what else it is, or in which line it is wrong.
    """
    if content.startswith(_GZIP):
        content = _inflated(content, name)
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return _text(content[len(mark) :], encoding, name)
    for magic, kind in _OTHER_FILES.items():
        if content.startswith(magic):
            raise UsageError(
                f"could not read `{name}`: it is {kind}", hint="save it as CSV in UTF-8"
            )
    if b"\0" in content:
        raise UsageError(
            f"could not read `{name}`: it has NUL bytes, as UTF-16 without a byte order mark has",
            hint=f"convert it: `iconv -f utf-16le -t utf-8 {name} > utf8-{name}`",
        )
    return _text(content, "utf-8", name)


def _text(content: bytes, encoding: str, name: str) -> str:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        before = content[: error.start]
        line = before.count(b"\n") + 1
        if encoding != "utf-8":
            raise UsageError(
                f"could not read `{name}`: its byte order mark says {encoding.upper()}, and line "
                f"{line} isn't that"
            ) from error
        byte = content[error.start]
        raise UsageError(
            f"could not read `{name}`: line {line} isn't UTF-8: byte 0x{byte:02x}, which is "
            f"`{bytes([byte]).decode('cp1252', 'replace')}` in Windows-1252",
            hint=f"if that is right, convert it: `iconv -f windows-1252 -t utf-8 {name}`",
        ) from error


def _inflated(content: bytes, name: str) -> bytes:
    try:
        return gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise UsageError(f"could not read `{name}`: its gzip is damaged: {error}") from error
