"""The text that a file's bytes are, or that they are none."""

from __future__ import annotations

import codecs
import re

# UTF-32's first: the mark of UTF-16 is how that of UTF-32 begins.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# What people's older files are written in. The detector knows many more, and takes French for Baltic when it may.
_LEGACY = [
    *("cp1250", "cp1251", "cp1252", "cp1253", "cp1254", "cp1255", "cp1256"),
    *("koi8_r", "cp932", "euc_jp", "cp949", "gb18030", "big5"),
]
_LATIN = ("cp1250", "cp1254")
_SAMPLE_BYTES = 32_768
# Tabs, line ends, form feeds, backspaces and escapes (colours in logs) are text.
_NONSENSE = re.compile("[\x00-\x07\x0e-\x1a\x1c-\x1f\x7f-\x9f\ufffd]")
_LINE_END = re.compile("\r\n?")


def decode(head: bytes, tail: bytes = b"") -> tuple[str, str] | None:
    r"""Return the text of a file, with every line end as a newline, or None if it is binary.

    UTF-8, UTF-16 and UTF-32 are told by their byte order mark, UTF-8 also without one; a few broken bytes in it come
    out as U+FFFD. What is none of these is an older encoding as charset-normalizer finds it, the Western European one
    (cp1252) where several would do. Binary is what holds a NUL, or decodes to control characters in more than one
    place of twenty.

    Parameters
    ----------
    head
        The beginning of the file, or all of it.
    tail
        Its end, where what lies between was not read; begins at a multiple of four bytes of the file.

    Returns
    -------
    tuple of str or None
        The text of both; characters that were cut at the gap are left out.

    Examples
    --------
    >>> decode("Grüße\r\n".encode("utf-16"))
    ('Grüße\n', '')
    >>> decode("x = 1  # größer".encode("cp1252"))
    ('x = 1  # größer', '')
    >>> decode(b"\x7fELF\x02\x01\x01\x00") is None
    True
    """
    encoding, start = encoding_of(head, tail)
    if not encoding:
        return None
    texts = _decoded(head[start:], tail, encoding)
    both = "".join(texts)
    if "\0" in both or len(_NONSENSE.findall(both)) > 1 + len(both) // 20:
        return None
    return _LINE_END.sub("\n", texts[0]), _LINE_END.sub("\n", texts[1])


def encoding_of(head: bytes, tail: bytes) -> tuple[str, int]:
    """Return the encoding, "" if it is none, and how many bytes its mark has."""
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding, len(mark)
    if b"\0" in head or b"\0" in tail:
        return "", 0
    return ("utf-8" if _is_utf8(head, tail) else _legacy(head + tail)), 0


def _is_utf8(head: bytes, tail: bytes) -> bool:
    try:
        _decoded(head, tail, "utf-8", "strict")
    except UnicodeDecodeError:
        text = "".join(_decoded(head, tail, "utf-8"))
        broken = text.count("\ufffd")
        # In text of another encoding hardly any byte above 127 begins a character of UTF-8.
        return broken * 10 <= sum(not char.isascii() for char in text)
    return True


def _decoded(head: bytes, tail: bytes, encoding: str, errors: str = "replace") -> tuple[str, str]:
    # An incremental decoder keeps back the character that the gap cuts, where a plain one would take it for broken.
    first = codecs.getincrementaldecoder(encoding)(errors).decode(head, final=not tail)
    return first, tail.decode(encoding, errors).lstrip("\ufffd")


def _legacy(data: bytes) -> str:
    from charset_normalizer import from_bytes  # noqa: PLC0415 - few files need it, and loading the magics has to be instant

    # Only what is not ASCII tells encodings apart; a line that comes again tells nothing new, and misleads the detector.
    lines = dict.fromkeys(line for line in data.splitlines() if not line.isascii())
    matches = list(from_bytes(b"\n".join(lines)[:_SAMPLE_BYTES], cp_isolation=_LEGACY, enable_fallback=False))
    if not matches:
        return ""
    best = matches[0]
    if best.encoding in _LATIN and any("cp1252" in m.could_be_from_charset and m.chaos <= best.chaos for m in matches):
        return "cp1252"
    return best.encoding
