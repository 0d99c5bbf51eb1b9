"""What it costs to export a long session to a notebook."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from statistics import median

import nbformat

from chatnb.exports.notebook import as_notebook
from chatnb.messages import Session

from ..stores.examples import asked, said, session
from .rows import Row


def rows(quick: bool) -> Iterator[Row]:
    """Yield what an export costs over writing the same notebook with nbformat."""
    count = 1_000 if quick else 10_000
    one = _session(count)
    notebook = nbformat.from_dict(json.loads("".join(as_notebook([one]))))
    ours, theirs = [], []
    for _ in range(2 if quick else 3):
        began_at = time.perf_counter()
        "".join(as_notebook([one])).encode()
        ours.append(time.perf_counter() - began_at)
        began_at = time.perf_counter()
        nbformat.write(notebook, io.StringIO())
        theirs.append(time.perf_counter() - began_at)
    name = f"export of a session of {count:,} messages to .ipynb"
    yield Row(name, median(ours) / median(theirs), "x", 2.0, f"nbformat.write of it ({median(theirs):.2f} s)")


def _session(count: int) -> Session:
    """Return a session of questions and answers, each answer of the turn of its question."""
    one = session()
    messages = []
    for number in range(count // 2):
        question = asked(one.id, f"Question {number}: why is the mean negative?")
        question = replace(question, turn_id=question.id)
        answer = replace(said(one.id), id=f"{question.id}.001", turn_id=question.id)
        messages += [question, answer]
    return replace(one, messages=tuple(messages))
