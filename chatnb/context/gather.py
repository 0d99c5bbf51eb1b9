"""Gather what a question carries along: what is named explicitly, then what its text mentions."""

from __future__ import annotations

import difflib
import re
import shlex
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import cache
from itertools import chain, islice

from ..errors import ContextError, ContextNotFound
from ..messages import Context, Image
from .base import Reading, Reference, Source
from .mentions import Mention, mentions
from .references import KINDS, parse, split

_Find = Callable[[Reference], Reading]

_LOOKED_AT = 1_000  # names of one source
_KIND_LIKE = re.compile(r"([^\W\d]\w+):")  # longer than the letter of a drive


class Gatherer:
    """Reads references from whichever source knows them.

    Parameters
    ----------
    sources
        A reference goes to those of its kind, in this order, until one finds something; a bare name to those that
        have "" among their kinds.
    """

    def __init__(self, sources: Sequence[Source]) -> None:
        self._sources = tuple(sources)

    def gather(self, references: Iterable[str], text: str = "", pins: Iterable[str] = ()) -> Reading:
        """Return what a question carries along; what is named twice is in it once.

        Of a mention the longest name counts that there is. One that names nothing is text, such as an e-mail address;
        if it has a kind, as `@file:nope.md` has, a note says so.

        Parameters
        ----------
        references
            What is named explicitly, such as each `-c`: a reference, or several with commas between them. What names
            nothing in its pieces may be one name with commas in it.
        text
            The question, whose mentions are read after these.
        pins
            References that every question carries along, read before all else. Of one that cannot be read a note tells.

        Raises
        ------
        ContextNotFound
            If what is named explicitly is not there; with the names that come near.
        ContextRefused
            If something that is there may not or cannot be read, mentioned or named.
        """
        find = cache(self._find)
        reading = sum((self._pinned(written, find) for written in pins), Reading())
        for written in references:
            reading += self._listed(written, find)
        for mention in {mention.references: mention for mention in mentions(text)}.values():
            reading += self._mentioned(mention, find)
        return _distinct(reading)

    def read(self, reference: str) -> Reading:
        """Return what one reference names, such as the `ref` of a part; a comma is part of its name.

        Raises
        ------
        ContextNotFound
            If it is not there; with the names that come near.
        ContextRefused
            If it may not or cannot be read.
        """
        return self._read(reference, self._find)

    def names(self, beginning: str = "", limit: int = 200) -> tuple[str, ...]:
        """Return references that begin so and would be found, then kinds of references, for completion."""
        names = _offered(self._sources)
        if beginning.startswith("var:"):
            names = (name if parse(name).kind else f"var:{name}" for name in names)
        readable = {kind for source in self._sources for kind in source.kinds}
        kinds = (kind if parse(kind).kind else f"{kind}:" for kind in KINDS if kind in readable)
        fitting = (name for name in chain(names, kinds) if name.startswith(beginning))
        return tuple(dict.fromkeys(islice(fitting, limit)))

    def _listed(self, written: str, find: _Find) -> Reading:
        pieces = split(written) or ("",)
        try:
            return sum((self._read(piece, find) for piece in pieces), Reading())
        except ContextNotFound:
            if len(pieces) > 1:
                with suppress(ContextError):
                    return find(parse(written))
            raise

    def _pinned(self, written: str, find: _Find) -> Reading:
        try:
            return self._listed(written, find)
        except ContextError as error:
            end = f"`%chat unpin {shlex.quote(written)}` ends this."
            return Reading(notes=(f"{written} is pinned, but cannot be read: {error} ({end})",))

    def _mentioned(self, mention: Mention, find: _Find) -> Reading:
        missing: dict[str, ContextNotFound] = {}
        for written in mention.references:
            try:
                return find(parse(written))
            except ContextNotFound as error:
                missing[written] = error
        likeliest = mention.text[1:] if mention.text[1:] in missing else mention.references[0]
        if not parse(likeliest).kind:
            return Reading()
        why = self._explained(parse(likeliest), missing[likeliest])
        return Reading(notes=(f"{mention.text} names nothing, so nothing was sent for it. {why}",))

    def _read(self, written: str, find: _Find) -> Reading:
        reference = parse(written)
        try:
            return find(reference)
        except ContextNotFound as error:
            raise ContextNotFound(self._explained(reference, error)) from error

    def _find(self, reference: Reference) -> Reading:
        missing: list[ContextNotFound] = []
        for source in self._asked(reference):
            try:
                return source.read(reference)
            except ContextNotFound as error:
                missing.append(error)
        if missing:
            raise missing[0]
        raise ContextNotFound(f"Nothing here can read {reference}.")

    def _asked(self, reference: Reference) -> list[Source]:
        return [source for source in self._sources if reference.kind in source.kinds]

    def _explained(self, reference: Reference, error: ContextNotFound) -> str:
        """Return why there is nothing, and what may have been meant."""
        if not reference.kind and (why := _kind_trouble(reference.target)):
            return why
        why = str(error) if reference.kind else f"Nothing is called {reference.target!r}."
        if near := self._near(reference):
            return f"{why} Near: {', '.join(near)}."
        return why if reference.kind else f"{why} Run the cell that defines it, or name a file as file:PATH."

    def _near(self, reference: Reference) -> list[str]:
        if not any(map(str.isalpha, reference.target)):
            return []  # a number is near to every other one
        spellings: dict[str, str] = {}
        for name in _offered(self._asked(reference)):
            offered = parse(name)
            if not reference.kind or offered.kind in ("", reference.kind):
                for spelling in (offered.target, offered.target.rpartition("/")[2]):
                    spellings.setdefault(spelling.casefold(), name)
        near = difflib.get_close_matches(reference.target.casefold(), spellings, n=3)
        return list(dict.fromkeys(spellings[spelling] for spelling in near))


def _offered(sources: Iterable[Source]) -> Iterator[str]:
    return chain.from_iterable(islice(source.names(), _LOOKED_AT) for source in sources)


def _kind_trouble(target: str) -> str:
    """Return what is wrong with the kind of a reference that was taken for a bare name; "" if it seems to be one."""
    if not target:
        return f"A reference is empty. It is a name, or begins with one of {', '.join(KINDS)}."
    found = _KIND_LIKE.match(target)
    if not found:
        return ""
    kind, rest = found[1], target[found.end() :]
    if kind in KINDS and not rest:
        return f"{target} lacks what it names. {KINDS[kind]}"
    why = f"Nothing is called {target!r}, and {kind!r} is no kind of reference."
    if near := difflib.get_close_matches(kind.lower(), KINDS, n=1):
        return f"{why} Did you mean {near[0]}:{rest}?"
    return f"{why} The kinds are {', '.join(KINDS)}."


def _distinct(reading: Reading) -> Reading:
    """Return each part and each note once, where it came first."""
    parts: dict[object, Context | Image] = {}
    for part in reading.parts:
        parts.setdefault(_identity(part), part)
    return Reading(tuple(parts.values()), tuple(dict.fromkeys(reading.notes)))


def _identity(part: Context | Image) -> object:
    match part:
        case Context(ref=""):
            return part.label, part.sha256
        case Context(ref=ref):
            return ref
        case _:
            return part
