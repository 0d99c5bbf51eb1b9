"""`chatnb over FILE PROMPT`: one question about each row of a file."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..errors import SettingsError
from ..grammar import add_context_options, add_model_options, add_row_options, options_of
from ..rows.files import FORMS, check_target, read_table, write_table
from .opening import configured, desk_here

_FORMS = ", ".join(FORMS)


def add_over_flags(parser: argparse.ArgumentParser) -> None:
    """Add what `run` reads to a parser."""
    add_model_options(parser)
    add_context_options(parser)
    add_row_options(parser)
    add = parser.add_argument
    add("--no-save", dest="save", action="store_false", help="keep no answers but in the table")
    add("--dry-run", action="store_true", help="show exactly what would be sent for the first row, and send nothing")
    add(
        "--schema",
        default="",
        metavar="FILE",
        help="JSON schema that each answer has to fit; its properties are columns",
    )
    add("--into", default="", metavar="FILE", help=f"where the table goes, with the answers: {_FORMS}")
    add("path", metavar="FILE", help=f"the table: {_FORMS}")
    add("prompt", metavar="PROMPT", help="the question; {column} is what the row has there")


def run(parsed: argparse.Namespace) -> int:
    """Ask about each row of a file and write the table with the answers; return the exit code.

    Raises
    ------
    ChatError
        If a file cannot be used, or as `chatnb.over` does.
    """
    path = Path(parsed.path)
    into = Path(parsed.into) if parsed.into else path.with_name(f"{path.stem}.answers{path.suffix}")
    check_target(into)
    schema = _schema(parsed.schema) if parsed.schema else None
    names = {"table": read_table(path), "schema": schema}
    options = replace(options_of(parsed), table="table", schema="schema" if schema is not None else "", into="")
    with closing(desk_here(configured(parsed))) as desk:
        desk.shell.user_ns.update(names)
        asked = desk.ask(options, parsed.prompt)
    if options.dry_run:
        sys.stdout.write(f"{asked}\n")
        return 0
    write_table(asked, into)
    sys.stdout.write(f"{into}\n")
    return 0


def _schema(name: str) -> Mapping[str, Any]:
    try:
        schema = json.loads(Path(name).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SettingsError(f"--schema {name}: no JSON schema can be read there ({error}).") from error
    if not isinstance(schema, dict):
        raise SettingsError(f"--schema {name}: a JSON schema is an object.")
    return schema
