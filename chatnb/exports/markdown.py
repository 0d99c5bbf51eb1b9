"""Sessions as one Markdown file: CommonMark without raw HTML, harmless wherever it is rendered."""

from __future__ import annotations

import base64
import re
import secrets
from collections.abc import Iterator, Sequence

from ..markdown.safe import safe_markdown, whole_markdown
from ..messages import Context, Image, Message, Part, Session, Text, Thinking, ToolCall, ToolResult
from ..printing import printable
from ..views.words import call_line
from .base import Style, about, sendable, speaker, title, when

PICTURES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
"""What may be shown as a picture; an SVG can hold scripts."""

_MARK = re.compile(r"[\\`*_\[\]#|~<>$&@^=]|:(?=/)|(?<=[Ww]{3})\.")


def as_markdown(sessions: Sequence[Session], style: Style = Style()) -> Iterator[str]:  # noqa: ARG001, B008
    """Yield the sessions, each under a heading of its own; pictures are in the file."""
    for number, session in enumerate(sessions):
        yield ("\n" if number else "") + page(session)


def page(session: Session) -> str:
    """Return one session as Markdown."""
    pictures = _Pictures()
    blocks = [f"# {literal(title(session))}", f"*{literal(about(session))}*"]
    for message in session.messages:
        blocks += [f"## {_heading(message)}", *_blocks(message, pictures)]
    # Several texts are one to some renderers: what one of them begins may find its end in another.
    return pictures.put_in(safe_markdown("\n\n".join(blocks))) + "\n"


def literal(text: str) -> str:
    """Return a text on one line as Markdown that means nothing but itself."""
    return _MARK.sub(r"\\\g<0>", sendable(printable(" ".join(text.split()))))


class _Pictures:
    """Keeps the place of pictures in a text that is yet to be made safe, which would take them out."""

    def __init__(self) -> None:
        self._stand_in = f"chatnb{secrets.token_hex(8)}n"  # nothing that was said can hold it
        self._pictures: list[str] = []

    def place(self, picture: Image) -> str:
        """Return what stands for a picture until `put_in`."""
        if picture.mime not in PICTURES:
            return f"*{literal(f'A picture ({picture.mime})')}*"
        self._pictures.append(f"![](data:{picture.mime};base64,{base64.b64encode(picture.data).decode()})")
        return f"{self._stand_in}{len(self._pictures) - 1}n"

    def put_in(self, text: str) -> str:
        """Return the text with the pictures in their places."""
        return re.sub(rf"{self._stand_in}(\d+)n", lambda found: self._pictures[int(found[1])], text)


def _heading(message: Message) -> str:
    return literal(f"{speaker(message)} · {when(message.created_at)}")


def _blocks(message: Message, pictures: _Pictures) -> Iterator[str]:
    for part in message.parts:
        if block := _block(part, pictures):
            yield block
    if message.outcome not in (None, "done"):
        yield f"*{literal(f'{message.outcome}: {message.error}' if message.error else str(message.outcome))}*"


def _block(part: Part, pictures: _Pictures) -> str:
    match part:
        case Image():
            return pictures.place(part)
        case Context(label, text):
            return f"*Carried along: {literal(label)}*\n\n{fenced(text)}"
        case Thinking(text):
            return f"*Thoughts:*\n\n{fenced(text.strip())}" if text.strip() else ""
        case ToolCall():
            return fenced(call_line(part))
        case ToolResult(_, name, text):
            return f"*{literal(name)}{' failed' if part.is_error else ''}:*\n\n{fenced(text)}"
        case Text(text):
            # A question is Markdown as well, as chats show it.
            return safe_markdown(whole_markdown(sendable(text), is_final=True)).strip("\n")
    return safe_markdown(whole_markdown(sendable(part.text), is_final=True)).strip("\n")


def fenced(text: str) -> str:
    """Return a text in a fence that nothing in it can end."""
    text = sendable(printable(text))
    ticks = "`" * max(3, max(map(len, re.findall("`+", text)), default=0) + 1)
    return f"{ticks}text\n{text}\n{ticks}"
