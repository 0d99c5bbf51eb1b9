"""Markdown made safe to publish.

JupyterLab runs the HTML in the Markdown of a cell that its user ran, loads its pictures, and writes some of it into
attributes as it stands. So nothing here judges what is harmful where: outside of fences nothing is left that could begin
HTML, a picture, or a link to anywhere but the web, whatever stands around it. An invisible word joiner (U+2060) breaks
it: it reads as it was written and means nothing. Code in fences stays exact.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import defaultdict

from .cuts import split_finished
from .drafts import whole_markdown
from .fences import CodeBlock, Fence, Prose, code_blocks, pieces, unified

__all__ = ["CodeBlock", "code_blocks", "safe_markdown", "split_finished", "visible", "whole_markdown"]

_JOINER = "\u2060"

# JupyterLab takes formulas out before Markdown is read and puts them back afterwards, even into an attribute, with their
# quotes. So no dollar and no backslash in anything that becomes an attribute.
_PLAIN = r"[^\s<>\[\]()\"`\\$]"
_WEB = rf"(?:https?://|mailto:|\#)(?:{_PLAIN}++|\({_PLAIN}*+\))*+"
_TITLE = r"\"[^\"\\`$<>\[\]\n]*+\""
_ADDRESS = r"(?:https?://[\w.~:/?#@!&'()*+,;=%-]++|mailto:[\w.+@-]++|[\w.+-]++@[\w-]++(?:\.[\w-]++)++)"
_TAG = re.compile(rf"<(?=[A-Za-z/!?])(?!{_ADDRESS}>)", re.ASCII | re.IGNORECASE)
_LINK = re.compile(rf"\](?=\()(?!\({_WEB}(?:[ ]{_TITLE})?\))", re.IGNORECASE)
_URL = re.compile(r"(?:https?://|www\.)[^\s<]*+", re.IGNORECASE)
_FTP = re.compile(r"(?<=ftp:)(?=//)", re.IGNORECASE)
# With its backslash gone this may look like the place of a formula that is none, and JupyterLab shows an error.
_PLACE = re.compile(rf"(?<!{_JOINER})(?=\\@)")
_URL_START = re.compile(r"(?<=:)(?=//)|(?<=www)(?=\.)", re.IGNORECASE)
# A link is defined at the beginning of a line. A definition stays if it is a label, an address and the end of the line,
# and the next line cannot be read as its title.
_LABEL = re.compile(
    rf"^(?! {{0,3}}\[(?!\^)[^\[\]`\\$\n]++\]:[ ]https?://{_PLAIN}++[ \t]*+$(?!\n[ \t>]*+[\"'(]))"
    r"((?:[^\S\n]|[>!*+\-\d.):\ufeff]|\[[ xX]\](?=[ \t]))*+)(?=\[)",
    re.MULTILINE | re.IGNORECASE,
)
# TeX that makes links or elements with a style or an id of the author's choice, loads code, or outlives the answer.
_TEX = re.compile(
    r"\\(?=(?:href|url|class|cssId|style|data|bbox|mmlToken|require|setOptions|includegraphics|"
    r"[egx]?def|let|newcommand|renewcommand|newenvironment|renewenvironment|Declare[A-Za-z]+)(?![A-Za-z]))",
)
# Letters and backslashes as entities could spell those names.
_ENTITY = re.compile(
    r"&(?=bsol;|#0*+(?:6[5-9]|[78]\d|9[02789]|1[01]\d|12[0-2])(?!\d)|#x0*+(?:[46][1-9a-f]|[57][\da]|5c)(?![\da-f]))",
    re.IGNORECASE,
)
_SPACES = re.compile(r"^[ \t]++$", re.MULTILINE)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_SHOWN = {"\x7f": "\u2421", "\u2028": "\u2424", "\u2029": "\u2424"}
# Renderers recurse into quotes and lists, and fall over a few thousand of them.
_CONTAINER = r"[ \t]*+(?:>|[-*+][ \t]|\d{1,9}[.)][ \t])"
_DEEP = re.compile(rf"^((?:{_CONTAINER}){{16}})(?={_CONTAINER})", re.MULTILINE)
# What defines a term for nbconvert; the definition takes in the fence in the line below it.
_TERM = re.compile(r"^([ \t>*+\-\d.)]*+)(?=:[ \t])", re.MULTILINE)
# What looks like a fence to somebody, but is none for us.
_STRAY_FENCE = re.compile(r"^((?:[ \t>!*+\-:|]|\d{1,9}[.)]|\[[ xX]\])*+)(?=`{3}|~{3})", re.MULTILINE)

# With so many columns, a quote mark or a list marker, a line behind another may be read as its next line.
_LAZY = 4
# What may begin a formula in JupyterLab, which looks for its end up to the next blank line, across fences.
_FORMULA = re.compile(r"\$|\\begin\{|\\\\[(\[]", re.IGNORECASE)
# nbconvert looks for the end of these even behind blank lines and in the code of a fence.
_LONG_FORMULA = re.compile(r"(?<!\\)\$\$+|\\\\[\[\]]|\\(?:begin|end)\{[a-z]*\*?\}")
_ENDS = {r"\\[": r"\\]"}
_LEAD = re.compile(r"[ \t>*+\-\d.)]{0,80}")
# Lines of a formula that begins and ends in different ones.
_LONGEST = 200
_PARAGRAPHS = re.compile(r"(\n\n)")


def safe_markdown(text: str) -> str:
    r"""Make a model's text safe to publish as text/markdown, where its HTML would be trusted.

    - No raw HTML of any kind, no pictures, no links but http, https, mailto and to a heading (#...); no definitions of
      links to anywhere else. What was broken still reads the same.
    - TeX that could link, style, name or load something, or define commands for the rest of the notebook, is dead.
    - Code in fences is exact, whatever it holds; its info string becomes one word, because JupyterLab writes it into an
      attribute unescaped. Diagrams (mermaid) are shown as code: their renderers load pictures. A fence is always closed.
    - Control characters are shown as pictures of themselves, and those that turn the direction of writing are taken out;
      in fences both stay. Line ends become "\n".

    Parameters
    ----------
    text
        Any text, of any length, finished or not.

    Returns
    -------
    str
        Making it safe once more changes nothing.

    Examples
    --------
    >>> safe_markdown("a < b, see [docs](https://example.org)")
    'a < b, see [docs](https://example.org)'
    >>> safe_markdown("<img src=x onerror=alert(1)>").replace("\u2060", "|")
    '<|img src=x onerror=alert(1)>'
    """
    found = list(pieces(unified(text)))
    has_code = any(isinstance(piece, Fence) for piece in found)
    lines: list[str] = []
    before: Fence | Prose | None = None
    for piece in found:
        if isinstance(piece, Prose):
            prose = _harmless("\n".join(piece.lines))
            new = (_closed(prose) if has_code else prose).split("\n")
        else:
            new = piece.source("text" if "mermaid" in piece.language.lower() else piece.language)
        if before is not None and new[0] and _needs_gap(before, piece, lines[-1]):
            lines.append("")
        lines += new
        before = piece
    return "\n".join(lines)


def _needs_gap(before: Fence | Prose, piece: Fence | Prose, last: str) -> bool:
    """Tell whether only a blank line makes sure that the fence among the two is read as one."""
    if isinstance(before, Fence):
        return not before.is_closed or any(_FORMULA.search(line) for line in before.code)
    if isinstance(piece, Prose) or not last:
        return False
    if piece.quote or piece.marker.strip() or (piece.is_in_list and len(piece.marker) >= _LAZY):
        return True
    return _FORMULA.search(_SPACES.sub("", "\n".join(before.lines)).rpartition("\n\n")[2]) is not None


def _harmless(prose: str) -> str:
    # A line of spaces ends a paragraph for all but one.
    prose = _SPACES.sub("", prose)
    prose = visible(prose)
    prose = _URL.sub(_plain_url, prose)
    prose = _FTP.sub(_JOINER, prose)
    prose = _TAG.sub("<" + _JOINER, prose)
    prose = prose.replace("![", "!" + _JOINER + "[")
    prose = _LINK.sub("]" + _JOINER, prose)
    prose = _LABEL.sub(rf"\1{_JOINER}", prose)
    prose = _TEX.sub(r"\\" + _JOINER, prose)
    prose = _ENTITY.sub("&" + _JOINER, prose)
    prose = _PLACE.sub(_JOINER, prose)
    prose = _TERM.sub(rf"\1{_JOINER}", prose)
    prose = _DEEP.sub(rf"\1{_JOINER}", prose)
    if "```" in prose or "~~~" in prose:
        prose = _STRAY_FENCE.sub(rf"\1{_JOINER}", prose)
    return prose


def visible(prose: str) -> str:
    """Show control characters as pictures of themselves, and take out those that turn the direction of writing."""
    return _CONTROL.sub(_visible, prose)


def _visible(found: re.Match[str]) -> str:
    # Never a space: the lines must stay what they were taken for.
    char = found[0]
    return chr(0x2400 + ord(char)) if char < " " else _SHOWN.get(char, "\ufffd" if char < "\xa0" else _JOINER)


def _plain_url(found: re.Match[str]) -> str:
    """Let an address that would be linked by itself be text, if a formula may begin in it."""
    url = found[0]
    return _URL_START.sub(_JOINER, url) if "$" in url or "\\" in url else url


def _closed(prose: str) -> str:
    """Break what begins a long formula in the prose that has no end there, since it would find one in some code."""
    return "".join(_closed_paragraph(part) for part in _PARAGRAPHS.split(prose))


def _closed_paragraph(text: str) -> str:
    # Each step looks its places up instead of searching for them: a megabyte of beginnings takes no longer than prose.
    marks = list(_LONG_FORMULA.finditer(text))
    places: defaultdict[str, list[int]] = defaultdict(list)
    for place, mark in enumerate(marks):
        places[mark[0]].append(place)
    starts = [0, *(found.end() for found in re.finditer("\n", text))] if marks else []
    out: list[str] = []
    done = at = 0
    while at < len(marks):
        mark = marks[at]
        at += 1
        end = _ENDS.get(mark[0], mark[0].replace("begin", "end"))
        if end == mark[0] and "$" not in end:
            continue
        after = bisect_left(places[end], at)
        if after < len(places[end]) and _is_block(text, starts, mark.start(), marks[places[end][after]].start()):
            at = places[end][after] + 1
        else:
            out += [text[done : mark.start()], _JOINER.join(mark[0]) if "$" in end else "\\" + _JOINER + mark[0][1:]]
            done = mark.end()
    return "".join([*out, text[done:]])


def _is_block(text: str, starts: list[int], start: int, end: int) -> bool:
    """Tell whether everybody reads what is between as one: it is in one line, or begins a line and stays as far right."""
    first, last = bisect_right(starts, start) - 1, bisect_right(starts, end) - 1
    if first == last:
        return True
    before = text[starts[first] : start]
    margin = re.sub(r"[^>]", " ", before)
    margin = margin.rstrip() if ">" in margin else margin
    is_begun = _LEAD.fullmatch(before) is not None and last - first <= _LONGEST
    return is_begun and all(text.startswith(margin, begin) for begin in starts[first + 1 : last + 1])
