"""Read what a docstring says of a function and of its parameters, in numpydoc's form or Google's."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping, Sequence
from textwrap import dedent


def summary(docstring: str) -> str:
    r"""Return the first paragraph, in one line.

    Examples
    --------
    >>> summary("Return the weather\n    of a day.\n\n    More.")
    'Return the weather of a day.'
    """
    return " ".join(inspect.cleandoc(docstring).partition("\n\n")[0].split())


def parameters(docstring: str) -> Mapping[str, str]:
    r"""Return what is said of each parameter, in one line; of those that are described.

    Examples
    --------
    >>> parameters("Add.\n\nParameters\n----------\nx, y : int\n    What to add.\n\nReturns\n-------\nint")
    {'x': 'What to add.', 'y': 'What to add.'}
    >>> parameters("Add.\n\nArgs:\n    x (int): The first.\n    y: The second,\n        perhaps.")
    {'x': 'The first.', 'y': 'The second, perhaps.'}
    """
    lines = inspect.cleandoc(docstring).splitlines()
    for i, line in enumerate(lines):
        if line == "Parameters" and _is_rule(lines[i + 1 : i + 2]):
            ends = (j for j in range(i + 3, len(lines)) if _is_rule(lines[j : j + 1]))
            return _described(lines[i + 2 : next(ends, len(lines) + 1) - 1], says_type_after_colon=True)
        if line in ("Args:", "Arguments:", "Parameters:"):
            ends = (j for j in range(i + 1, len(lines)) if lines[j] and not lines[j][0].isspace())
            return _described(lines[i + 1 : next(ends, len(lines))], says_type_after_colon=False)
    return {}


def _described(section: Sequence[str], *, says_type_after_colon: bool) -> Mapping[str, str]:
    described: dict[str, list[str]] = {}
    names: list[str] = []
    for line in dedent("\n".join(section)).splitlines():
        if line and not line[0].isspace():
            head, _, rest = line.partition(":")
            names = re.findall(r"\w+", head.partition("(")[0])
            for name in names:
                described[name] = [] if says_type_after_colon else [rest]
        else:
            for name in names:
                described[name].append(line)
    return {name: text for name, lines in described.items() if (text := " ".join(" ".join(lines).split()))}


def _is_rule(lines: Sequence[str]) -> bool:
    return any(re.fullmatch(r"-{3,}", line) for line in lines)
