"""One question about each row of a table, and where its answers are kept.

The prompt is a template here, and nowhere else. Each answer is kept in a file as soon as it is there, so that what was
killed goes on where it was, and no row is asked twice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..chat import Chat
from ..context.base import Reading
from ..errors import ChatInterrupted, SettingsError
from ..folders import data_folder
from ..planner import Plan
from ..schema import Schema
from ..settings import Settings
from .checkpoint import Checkpoint, Kept
from .many import Many, Progress, digest, shaping_of
from .table import Form, Table
from .template import Template

STOPPED = "Stopped. What was answered is kept: the same call goes on from there."


@dataclass(frozen=True, slots=True)
class EachRow:
    """What is asked of each row, and where the answers are kept; can be sent to another process.

    Attributes
    ----------
    schema
        The form of each answer, in any way that `Schema.of` takes; None: text.
    answers
        The file of the answers; None: one of its own for this question, in the data folder.
    key
        A column whose values tell rows apart; empty: the prompt does.
    retry_failed
        Whether rows that failed earlier are asked again.
    prefix
        Stands before the names of the new columns.
    price
        Of a million tokens, read and written: what it costs is told then.
    reading
        What every prompt carries along.
    is_shared
        Whether other processes ask other rows with the same file.
    """

    prompt: str
    settings: Settings
    schema: Any = None
    answers: Path | None = None
    key: str = ""
    retry_failed: bool = False
    prefix: str = ""
    price: tuple[float, float] | None = None
    reading: Reading = Reading()  # noqa: RUF009 - frozen
    is_shared: bool = False

    @property
    def path(self) -> Path | None:
        """Where the answers are kept; None: nowhere, since nothing is to be kept."""
        if self.answers is not None:
            return self.answers
        if not self.settings.save:
            return None
        name = digest([self.prompt, *shaping_of(self.settings, self._schema, self.reading)])
        return data_folder(self.settings) / "over" / f"{name}.jsonl"

    def run(self, native: Any, chat: Chat, show: Callable[[Progress], object] = lambda _: None) -> Any:
        """Return the table with the answers as further columns.

        Raises
        ------
        ChatInterrupted
            At an interrupt; what was answered is kept.
        ChatError
            If a column or the prompt is wrong, the first rows all fail alike, or the file cannot be written.
        """
        table = Table(native)
        texts, names = self._texts(table)
        if not texts:
            return self.appended(table)
        many = Many(chat, self.settings, self._schema, self.reading)
        try:
            prompts = chat.portal.call(many.prompts(texts, names))
            with Checkpoint(self.path, is_shared=self.is_shared) as kept:
                chat.portal.follow(
                    lambda: many.ask(prompts, kept, retry_failed=self.retry_failed, price=self.price), show
                )
                found = [kept.get(prompt.key) for prompt in prompts]
        except KeyboardInterrupt:
            raise ChatInterrupted(STOPPED) from None
        return self.appended(table, [each or Kept("", error="It was not asked.") for each in found])

    def first(self, native: Any, chat: Chat) -> Plan:
        """Return what would be sent for the first row, without sending it."""
        texts, _ = self._texts(Table(native))
        if not texts:
            raise SettingsError("The table has no rows, so there is nothing to ask.")
        return chat.portal.call(chat.plan(Many(chat, self.settings, self._schema, self.reading).question(texts[0])))

    def appended(self, table: Table, found: Sequence[Kept] = ()) -> Any:
        """Return a table with what became of its rows as further columns."""
        form = Form(self._schema, self.prefix)
        table.refuse(form.kinds)
        return table.with_columns(
            form.columns([each.text for each in found], [each.error for each in found]), form.kinds
        )

    @property
    def _schema(self) -> Schema | None:
        return None if self.schema is None else Schema.of(self.schema)

    def _texts(self, table: Table) -> tuple[list[str], list[str] | None]:
        """Return the prompt of each row, and what it is called if not by that."""
        template = Template(self.prompt, table.columns)
        table.refuse(Form(self._schema, self.prefix).kinds)
        if self.key and self.key not in table.columns:
            raise SettingsError(f"The key {self.key!r} is no column of the table. It has: {', '.join(table.columns)}.")
        rows = list(table.rows(list(dict.fromkeys((*template.columns, *([self.key] if self.key else []))))))
        return [template.filled(row) for row in rows], [str(row[self.key]) for row in rows] if self.key else None
