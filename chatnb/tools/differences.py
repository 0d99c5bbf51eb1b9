"""What a change to a text would change, as a unified diff that nothing can hide in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher
from itertools import takewhile

from ..context.guarded import one_line

_CONTEXT = 3
_COMPARED = 1_000  # lines: many more that are much alike would keep difflib busy for minutes
_SHOWN_LINES = 400
_LINE = 400


def difference(name: str, before: str, after: str) -> str:
    r"""Return a unified diff; of a large one the beginning, and how much that leaves out.

    Characters that do not print are escaped: a carriage return or a colour code would hide a line from who reads it.

    Parameters
    ----------
    name
        Of the file, in one line.

    Examples
    --------
    >>> print(difference("a.txt", "one\ntwo\nthree\n", "one\n2\nthree\n"))
    --- a.txt
    +++ a.txt
    @@ -1,4 +1,4 @@
     one
    -two
    +2
     three
    <BLANKLINE>
    """
    if _is_windows(before) and _is_windows(after):
        before, after = before.replace("\r\n", "\n"), after.replace("\r\n", "\n")
    old, new = before.split("\n"), after.split("\n")
    same = _common(zip(old, new, strict=False))
    same_end = min(_common(zip(reversed(old), reversed(new), strict=False)), len(old) - same, len(new) - same)
    start, end = max(same - _CONTEXT, 0), max(same_end - _CONTEXT, 0)
    old, new = old[start : len(old) - end], new[start : len(new) - end]
    lines = [f"--- {name}", f"+++ {name}"]
    for group in _groups(old, new, same - start, same_end - end):
        (_, i, _, k, _), (_, _, j, _, n) = group[0], group[-1]
        lines.append(f"@@ -{start + i + 1},{j - i} +{start + k + 1},{n - k} @@")
        for tag, first, last, first_new, last_new in group:
            if tag == "equal":
                lines += (" " + line for line in old[first:last])
            else:
                lines += ("-" + line for line in old[first:last])
                lines += ("+" + line for line in new[first_new:last_new])
    more = [f"[... {len(lines) - _SHOWN_LINES:,} more lines]"] if len(lines) > _SHOWN_LINES else []
    return "\n".join([*map(_shown, lines[:_SHOWN_LINES]), *more])


def _groups(
    old: Sequence[str], new: Sequence[str], same: int, same_end: int
) -> Iterable[Sequence[tuple[str, int, int, int, int]]]:
    if max(len(old), len(new)) <= _COMPARED:
        return SequenceMatcher(None, old, new).get_grouped_opcodes(_CONTEXT)
    end, end_new = len(old) - same_end, len(new) - same_end
    whole = [
        ("equal", 0, same, 0, same),
        ("replace", same, end, same, end_new),
        ("equal", end, len(old), end_new, len(new)),
    ]
    return [whole]


def _common(pairs: Iterable[tuple[str, str]]) -> int:
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _is_windows(text: str) -> bool:
    return text.count("\r\n") == text.count("\n")


def _shown(line: str) -> str:
    shown = "\t".join(map(one_line, line[:_LINE].split("\t")))
    return shown + (f" [... {len(line) - _LINE:,} more characters]" if len(line) > _LINE else "")
