"""Commands about what the model gets to read: why it read what, and what it is to read from now on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ..ablation import Effect, ablate
from ..branches import branches, node_of
from ..desk import Desk
from ..errors import ChatError, ChatInterrupted, SettingsError
from ..history import newest_summary, summary_in
from ..listing import Listing, Said
from ..messages import Json, Message
from ..receipt import Receipt
from ..stale import Stale, find_stale
from ..views.words import shortened
from .base import no_words, number_in, numbered, parsed_words, parser

_SHOWN = 80  # characters of a message, in a list of them


def why(desk: Desk, words: Sequence[str]) -> object:
    """Show what the last answer had read, item by item; --ablate asks again without each."""
    options = parser("why", why)
    options.add_argument("--ablate", action="store_true", help="ask again without each item and show which mattered")
    plan = desk.chat.last_plan
    is_ablated = options.parse_args(words).ablate
    if plan is None:
        raise SettingsError("Nothing was asked since the kernel started. Ask something below `%%chat` first.")
    if not is_ablated:
        return Receipt(plan, is_sent=True)
    effects: list[Effect] = []
    try:
        desk.chat.portal.follow(lambda: ablate(plan), effects.append)
    except KeyboardInterrupt:
        if not effects:
            raise ChatInterrupted("Stopped.") from None
    columns: dict[str, Callable[[Effect], str]] = {
        "without": lambda effect: effect.label or "(nothing)",
        "the answer is": lambda effect: f"{effect.likeness:.0%} the same",
        "it says": lambda effect: shortened(effect.answer, _SHOWN),
    }
    return Listing(sorted(effects, key=lambda effect: (effect.label != "", effect.likeness)), columns)


def pin(desk: Desk, words: Sequence[str]) -> Listing[str]:
    """Let every question of this session carry something along: `%chat pin df`; alone, show what does."""
    pins, words = desk.chat.sessions.reread().pins, parsed_words("pin", pin, words, "REF")
    desk.gatherer().gather(words)  # raises if one names nothing
    if not words:
        return _pins(desk)
    desk.chat.sessions.update(pins=tuple(dict.fromkeys((*pins, *words))))
    return _pins(desk, desk.kept())


def unpin(desk: Desk, words: Sequence[str]) -> Listing[str]:
    """Undo `pin`."""
    pins, words = desk.chat.sessions.reread().pins, parsed_words("unpin", unpin, words, "REF")
    if not words or (unknown := [word for word in words if word not in pins]):
        named = f"{', '.join(unknown)} is not pinned." if words else "Unpin what?"
        raise SettingsError(f"{named} Pinned are: {', '.join(pins) or 'nothing'}.")
    desk.chat.sessions.update(pins=tuple(ref for ref in pins if ref not in words))
    return _pins(desk, desk.kept())


def hide(desk: Desk, words: Sequence[str]) -> Listing[Message]:
    """Keep message N, with its question and answer, out of the prompt; alone, show all with their numbers."""
    chosen = numbered(desk, parsed_words("hide", hide, words))
    hidden = desk.chat.sessions.reread().hidden
    if not chosen:
        return _messages(desk)
    desk.chat.sessions.update(hidden=tuple(dict.fromkeys((*hidden, *(message.id for message in chosen)))))
    return _messages(desk, desk.kept())


def unhide(desk: Desk, words: Sequence[str]) -> Listing[Message]:
    """Undo `hide`; alone, for all messages."""
    numbers = parsed_words("unhide", unhide, words)
    turns = {_turn(message) for message in numbered(desk, numbers)}
    history = desk.chat.sessions.history(desk.chat.sessions.current)
    shown = {message.id for message in history if not numbers or _turn(message) in turns}
    hidden = desk.chat.sessions.reread().hidden
    desk.chat.sessions.update(hidden=tuple(message_id for message_id in hidden if message_id not in shown))
    return _messages(desk, desk.kept())


def list_stale(desk: Desk, words: Sequence[str]) -> Listing[Stale]:
    """List the answers whose variables, cells or files have changed since; `refresh` asks those again."""
    no_words("stale", list_stale, words)
    columns: dict[str, Callable[[Stale], str]] = {
        "": lambda stale: str(stale.number),
        "question": lambda stale: shortened(stale.question.text, _SHOWN),
        "changed": lambda stale: ", ".join(stale.changed),
        "not to be read now": lambda stale: ", ".join(stale.lost),
    }
    return Listing(_stale(desk), columns, empty="Every answer of this session is up to date.")


def refresh(desk: Desk, words: Sequence[str]) -> Listing[Stale] | Said | None:
    """Ask again what `stale` lists, all of it or the numbers that are given, with things as they are now."""
    options = parser("refresh", refresh)
    options.add_argument("numbers", nargs="*", metavar="N")
    options.add_argument("--below", action="store_true", help="all questions below the first of these as well")
    parsed = options.parse_args(words)
    numbers, stale = {number_in(word) for word in parsed.numbers}, _stale(desk)
    if unknown := numbers - {each.number for each in stale}:
        raise SettingsError(f"{', '.join(map(str, sorted(unknown)))}: no stale answer. `%chat stale` lists them.")
    numbers = numbers or {each.number for each in stale}
    if not numbers:
        return list_stale(desk, ())
    sessions = desk.chat.sessions
    history = sessions.history(sessions.current)
    below = {
        number: message
        for number, message in enumerate(history, 1)
        if number >= min(numbers) and message.role == "user" and not summary_in(message)
    }
    chosen = below if parsed.below else {number: below[number] for number in sorted(numbers)}
    if lost := next((each for each in stale if each.lost and each.number in chosen), None):
        raise SettingsError(
            f"{', '.join(lost.lost)} cannot be read now, so question {lost.number} cannot be asked again. "
            "Bring it back, or name the other numbers: %chat refresh N ..."
        )
    for number, question in chosen.items():
        print(f"{number}: {shortened(question.text, _SHOWN)}")  # noqa: T201 - the answer comes below it
        try:
            desk.again(question, sessions.current, is_fresh=True)
        except (ChatError, ChatInterrupted):
            sessions.follow(node_of(history[-1]))  # half an answer does not take the place of a whole one
            raise
    return _left(desk, len(below) - len(chosen), node_of(history[-1]))


def _left(desk: Desk, count: int, tip: str) -> Said | None:
    """Return what is to be known of the questions that were not asked again, on the branch that ends with `tip`."""
    if not count:
        return None
    found = branches(desk.chat.sessions.whole(desk.chat.sessions.current.id))
    number = next(number for number, branch in enumerate(found, 1) if branch.tip == tip)
    return Said(
        f"Questions below that were not asked again: {count}. They stay on branch {number} and are not read from here on. "
        f"To ask them again, too: `%chat branch {number}`, then `%chat refresh --below`."
    )


def compact(desk: Desk, words: Sequence[str]) -> Listing[str] | None:
    """Let the model summarise what was said, and read the summary instead; --show it, or --edit it in the next input."""
    options = parser("compact", compact)
    options.add_argument("--show", action="store_true", help="show the summary that stands for what was said")
    options.add_argument("--edit", action="store_true", help="make the summary the next input, to be changed and run")
    chosen = options.parse_args(words)
    sessions = desk.chat.sessions
    if not (chosen.show or chosen.edit):
        session = sessions.current
        try:
            desk.chat.portal.call(desk.chat.compact(session, desk.settings()))
        except KeyboardInterrupt:
            raise ChatInterrupted("Stopped. Nothing is summarised.") from None
    newest = newest_summary(sessions.history(sessions.current), sessions.current.hidden)
    if newest is None or (summary := summary_in(newest)) is None:
        raise SettingsError("This session has no summary yet. `%chat compact` makes one.")
    if chosen.edit:
        desk.shell.set_next_input(f"%%chat --summary\n{summary.text}")
        return None
    return Listing([summary.text], {"summary": str}, kept={} if chosen.show else desk.kept("", newest))


def _pins(desk: Desk, kept: Mapping[str, Json] = {}) -> Listing[str]:
    return Listing(
        desk.chat.sessions.current.pins,
        {"pinned": str},
        empty="Nothing is pinned. `%chat pin df` lets every question of this session carry df along.",
        kept=kept,
    )


def _messages(desk: Desk, kept: Mapping[str, Json] = {}) -> Listing[Message]:
    session = desk.chat.sessions.current
    history = desk.chat.sessions.history(session)
    numbers = {message.id: number for number, message in enumerate(history, 1)}
    hidden = {_turn(message) for message in history if message.id in session.hidden}
    columns: dict[str, Callable[[Message], str]] = {
        "": lambda message: str(numbers[message.id]),
        "who": lambda message: "summary" if summary_in(message) else message.model or message.role,
        "said": lambda message: shortened((summary_in(message) or message).text, _SHOWN),
        "read": lambda message: "hidden" if _turn(message) in hidden else "",
    }
    return Listing(history, columns, empty="Nothing was said in this session yet.", kept=kept)


def _turn(message: Message) -> str:
    return message.turn_id or message.id  # a summary belongs to no turn


def _stale(desk: Desk) -> list[Stale]:
    return find_stale(desk.chat.sessions.history(desk.chat.sessions.current), desk.gatherer().read)
