"""What a tool gives back where text is not all: pictures, for models that see."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass

from ..messages import Image

MOST_PICTURES = 4
"""Of one result: each takes about as much of the window as 3,000 characters."""

LARGEST_BYTES = 2_000_000
"""Of one picture: it is kept with the session, and sent again with each question."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A text, and the pictures that belong to it."""

    text: str
    images: tuple[Image, ...] = ()


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
