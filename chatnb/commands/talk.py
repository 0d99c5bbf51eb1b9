"""Commands about what was asked in a session: asking it anew, going back, and the branches that come of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ..branches import Branch, branches
from ..desk import Desk
from ..errors import SessionNotFound, SettingsError
from ..grammar import flags_of
from ..listing import Listing, Said
from ..messages import Json
from ..views.words import shortened
from .base import no_words, number_in, numbered, parser

_SHOWN = 80  # characters of a question, in a list of them


def again(desk: Desk, words: Sequence[str]) -> None:
    """Ask the last question again, the earlier answer stays as a branch; --fit with a window that holds all of it."""
    options = parser("again", again)
    options.add_argument("-m", "--model", default="", help="another model")
    options.add_argument("--fit", action="store_true", help="with a window that holds everything that was to be read")
    chosen = options.parse_args(words)
    session = desk.last_session
    _, question = desk.chat.sessions.question(session=session)
    desk.again(question, session, model=chosen.model, fit=chosen.fit)


def edit(desk: Desk, words: Sequence[str]) -> None:
    """Make question N (`hide` lists the numbers), by default the last one, the next input, to be changed and asked anew from there."""
    options = parser("edit", edit)
    options.add_argument("number", nargs="?", default="0", metavar="N")
    number, question = desk.chat.sessions.question(number_in(options.parse_args(words).number))
    first = f"%%chat --instead {number} {flags_of(question.chosen)}".rstrip()
    desk.shell.set_next_input(f"{first}\n{question.text}")


def fork(desk: Desk, words: Sequence[str]) -> Said:
    """Go on in a copy of this session: all of it, or up to message N (`hide` lists the numbers); then perhaps a title."""
    options = parser("fork", fork)
    options.add_argument("words", nargs="*", metavar="[N] [TITLE]")
    first, *title = options.parse_args(words).words or [""]
    until = ""
    if first.isdecimal():
        [message] = numbered(desk, [first])
        until = message.id
    else:
        title = [*filter(None, [first]), *title]
    copy = desk.chat.sessions.fork(until, " ".join(title))
    return Said(f"The next question goes on in the copy {copy.title!r} (messages: {len(copy.messages)}).", desk.kept())


def list_branches(desk: Desk, words: Sequence[str]) -> Listing[Branch]:
    """List the ways that this session took: a question asked anew or in another's place begins one."""
    no_words("branches", list_branches, words)
    return _listed(_branches(desk))


def branch(desk: Desk, words: Sequence[str]) -> Listing[Branch]:
    """Go on in branch N; `branches` lists them."""
    options = parser("branch", branch)
    options.add_argument("number", metavar="N")
    number, found = number_in(options.parse_args(words).number), _branches(desk)
    if not 1 <= number <= len(found):
        raise SettingsError(f"There is no branch {number}: this session has {len(found)}. `%chat branches` lists them.")
    desk.chat.sessions.follow(found[number - 1].tip)
    return _listed(_branches(desk), desk.kept())


def undo(desk: Desk, words: Sequence[str]) -> Listing[tuple[str, str]] | Said:
    """Go back by N questions, by default one: the next is asked from there; --run puts back what a model's code changed."""
    options = parser("undo", undo)
    options.add_argument("count", nargs="?", type=int, default=1, metavar="N")
    options.add_argument("--run", action="store_true", help="put back the variables that the last run of code replaced")
    chosen = options.parse_args(words)
    if chosen.run:
        return _undo_run(desk)
    question = desk.chat.sessions.undo(chosen.count)
    return Said(f"The next question is asked in place of: {shortened(question.text, _SHOWN)}", desk.kept())


def _undo_run(desk: Desk) -> Listing[tuple[str, str]]:
    try:
        changes = desk.bench.undo.undo()
    except LookupError as error:
        raise SettingsError(str(error)) from error
    rows = [
        ("put back", ", ".join((*changes.replaced, *changes.changed))),
        ("brought back", ", ".join(changes.deleted)),
        ("removed", ", ".join(changes.added)),
        ("could not be put back", ", ".join(changes.failed)),
        ("too large to be seen", ", ".join(changes.unseen)),
    ]
    return Listing([row for row in rows if row[1]], {"": lambda row: row[0], "variables": lambda row: row[1]})


def _listed(found: Sequence[Branch], kept: Mapping[str, Json] = {}) -> Listing[Branch]:
    numbers = {branch.tip: number for number, branch in enumerate(found, 1)}
    columns: dict[str, Callable[[Branch], str]] = {
        "": lambda branch: "→" if branch.is_current else "",
        "branch": lambda branch: str(numbers[branch.tip]),
        "questions": lambda branch: str(branch.turn_count),
        "the last one": lambda branch: shortened(branch.question.text, _SHOWN),
    }
    caption = "`%chat branch N` goes on in another one." if len(found) > 1 else ""
    return Listing(found, columns, caption=caption, empty="Nothing was said in this session yet.", kept=kept)


def _branches(desk: Desk) -> Sequence[Branch]:
    sessions = desk.chat.sessions
    try:
        return branches(sessions.whole(sessions.current.id))
    except SessionNotFound:  # it has not begun
        return ()
