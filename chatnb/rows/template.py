"""A prompt with places for the columns of a table.

The only prompt in which braces mean anything: elsewhere a question is sent as it is typed.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Mapping
from typing import Any

from ..errors import SettingsError

_PLACE = re.compile(r"\{\{|\}\}|\{([^{}]*)\}")


class Template:
    """A prompt in which `{column}` stands for what a row has there.

    Nothing but the name of a column stands between the braces: no format, no attribute, no code. `{{` and `}}` are
    braces, as are those around what cannot be a name, such as JSON.

    Parameters
    ----------
    columns
        The names that there are.

    Raises
    ------
    SettingsError
        If a name is none of them, or if there is no name at all: every row would be asked the same.

    Examples
    --------
    >>> template = Template('Is "{text}" kind? Answer as {"kind": true}.', ["text", "id"])
    >>> template.columns
    ('text',)
    >>> template.filled({"text": "Thank {you}."})
    'Is "Thank {you}." kind? Answer as {"kind": true}.'
    """

    def __init__(self, text: str, columns: Collection[str]) -> None:
        self._text = text
        names = [match[1] for match in _PLACE.finditer(text) if match[1] is not None]
        for name in names:
            if name not in columns and name.isidentifier():
                near = difflib.get_close_matches(name, list(columns), n=1)
                hint = f" Did you mean {{{near[0]}}}?" if near else ""
                raise SettingsError(
                    f"{{{name}}} is no column of the table.{hint} It has: {', '.join(columns)}. "
                    f"Write {{{{{name}}}}} for braces that are meant."
                )
        self.columns = tuple(dict.fromkeys(name for name in names if name in columns))
        if not self.columns:
            raise SettingsError(
                f"The prompt names no column, so every row would be asked the same. Write one in braces, such as "
                f"{{{next(iter(columns), 'text')}}}."
            )

    def filled(self, row: Mapping[str, Any]) -> str:
        """Return the prompt of a row; a value that is missing leaves nothing."""

        def put(match: re.Match[str]) -> str:
            if match[1] is None:
                return match[0][0]
            if match[1] not in self.columns:
                return match[0]
            value = row[match[1]]
            return "" if is_missing(value) else str(value)

        return _PLACE.sub(put, self._text)


def is_missing(value: Any) -> bool:
    """Whether nothing is there: None, or one of the values that alone do not equal themselves: NaN, NaT.

    Examples
    --------
    >>> is_missing(float("nan")), is_missing(""), is_missing([None])
    (True, False, False)
    """
    try:
        return value is None or bool(value != value)  # noqa: PLR0124
    except (TypeError, ValueError):  # an array has no one truth, and pandas' NA has none at all
        return type(value).__name__ == "NAType"
