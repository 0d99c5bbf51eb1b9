"""What a tool gives back, as the model reads it: text, and pictures for models that see."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from ..messages import Image

MOST_PICTURES = 4
"""Of one result: each takes about as much of the window as 3,000 characters."""

LARGEST_BYTES = 2_000_000
"""Of one picture: it is kept with the session, and sent again with each question."""

_ITEMS = 10_000  # of something that yields them one after the other, perhaps without an end


@dataclass(frozen=True, slots=True)
class Outcome:
    """A text, and the pictures that belong to it."""

    text: str
    images: tuple[Image, ...] = ()


def as_outcome(value: object) -> Outcome:
    """Return what a tool's function returned as an Outcome, which it may be already."""
    return value if isinstance(value, Outcome) else Outcome(as_text(value))


def as_text(value: object) -> str:
    """Return a tool's result as the model reads it: text as it is, else JSON, else what `repr` says.

    Examples
    --------
    >>> as_text("yes"), as_text({"a": [1, None]}), as_text(range)
    ('yes', '{"a":[1,null]}', "<class 'range'>")
    """
    # Lazy: see schema.py; by now it is there.
    from pydantic_core import PydanticSerializationError, to_json  # noqa: PLC0415

    if isinstance(value, str):
        return value
    if isinstance(value, Iterator):
        value = [*islice(value, _ITEMS), *("[... it goes on ...]" for _ in islice(value, 1))]
    try:
        return to_json(value, inf_nan_mode="constants").decode()
    except (PydanticSerializationError, ValueError, RecursionError):  # no JSON, or it holds itself
        return repr(value)


def pictured(text: str, pictures: Iterable[tuple[str, str | bytes]]) -> Outcome:
    """Return a text with the last of the pictures, as many as may be sent; where some are left out, it says so.

    Parameters
    ----------
    pictures
        The MIME type of each, and its bytes, as they are or in base64.
    """
    images = [Image(_decoded(data), mime) for mime, data in pictures]
    small = [image for image in images if 0 < len(image.data) <= LARGEST_BYTES]
    kept = tuple(small[-MOST_PICTURES:])
    if len(kept) == len(images):
        return Outcome(text, kept)
    limit = f"{MOST_PICTURES} of at most {LARGEST_BYTES // 1_000_000} MB"
    return Outcome(f"{text}\n[{len(images) - len(kept)} of {len(images)} pictures left out: {limit} are sent]", kept)


def _decoded(data: str | bytes) -> bytes:
    try:
        return base64.b64decode(data) if isinstance(data, str) else data
    except binascii.Error:
        return b""
