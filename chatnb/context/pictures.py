"""Pictures for models that see: files, figures and other objects that draw themselves, and what cells show."""

from __future__ import annotations

import base64
import io
import os
import re
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Final

from ..errors import ContextNotFound, ContextRefused
from ..messages import Image
from .base import Reading, Reference
from .guarded import one_line, read_ends, real_file

LARGEST_BYTES: Final = 10_000_000
"""Of one picture, as it is sent."""

LONGEST_SIDE: Final = 2_000
"""In pixels, of a figure that is drawn for the model; models look at less."""

SUFFIXES: Final = frozenset({".png", ".jpg", ".jpeg", ".gif", ".webp"})

# How each format begins; a suffix may say anything.
_FORMS = (
    (re.compile(rb"\x89PNG\r\n\x1a\n"), "image/png"),
    (re.compile(rb"\xff\xd8\xff"), "image/jpeg"),
    (re.compile(rb"GIF8[79]a"), "image/gif"),
    (re.compile(rb"RIFF.{4}WEBP", re.DOTALL), "image/webp"),
)
_SVG = re.compile(rb"\s*(<\?xml|<!--|<!DOCTYPE svg|<svg)")
_OF_CELLS = re.compile(r"(cell|out):.+", re.DOTALL)
_FILES_LOOKED_AT = 2_000
_ERROR = 200  # characters


class ImageSource:
    """Reads pictures, unchanged.

    Parameters
    ----------
    folder
        Where relative paths begin: the notebook's folder.
    namespace
        The user's variables.
    pictures
        Returns the pictures that a cell shows, by `cell:5` or `out:5`; raises ContextNotFound if there are none.
    """

    kinds: Sequence[str] = ("image",)

    def __init__(self, folder: Path, namespace: Mapping[str, Any], pictures: Callable[[str], Sequence[Image]]) -> None:
        self._folder = folder
        self._namespace = namespace
        self._pictures = pictures

    def read(self, reference: Reference) -> Reading:
        """Return the pictures that a reference names.

        * `image:cell:5`, `image:out:5`: those that a cell shows.
        * `image:fig`: a variable that is a figure of matplotlib or a part of one, or that has `_repr_png_` or
          `_repr_jpeg_`, as pictures of PIL and IPython have.
        * `image:plot.png`: a file, PNG, JPEG, GIF or WebP by what it holds.

        Raises
        ------
        ContextNotFound
            If there is nothing of that name.
        ContextRefused
            If it is no picture, too large, or fails to draw itself.
        """
        target = reference.target
        if _OF_CELLS.fullmatch(target):
            return Reading(tuple(self._pictures(target)))
        if target in self._namespace:
            return Reading((_drawn(self._namespace[target], target),))
        if not target:
            raise ContextNotFound("No picture is named. Write image:plot.png, image:fig or image:cell:5.")
        if target.isidentifier() and not os.path.lexists(self._folder / target):
            raise ContextNotFound(f"There is neither a variable nor a file {target}. Run the cell that draws it first.")
        return Reading((self._file(target),))

    def names(self) -> Iterator[str]:
        """Yield the variables that are pictures, and the files of the notebook's folder."""
        yield from (f"image:{name}" for name, value in list(self._namespace.items()) if _is_picture(name, value))
        try:
            with os.scandir(self._folder) as entries:
                names = [each.name for each in islice(entries, _FILES_LOOKED_AT)]
        except OSError:
            return
        yield from (f"image:{name}" for name in sorted(names) if Path(name).suffix.lower() in SUFFIXES)

    def _file(self, target: str) -> Image:
        name = one_line(target)
        path = real_file(self._folder / os.path.expanduser(target), name)  # noqa: PTH111 - Path.expanduser may raise
        ends = read_ends(path, LARGEST_BYTES, name)
        if ends.left_out_bytes:
            raise _too_large(name, ends.size_bytes)
        return picture_of(ends.head, name)


def picture_of(data: bytes, name: str) -> Image:
    """Return the picture that bytes are; raises ContextRefused if models do not see such ones, or not so large."""
    if len(data) > LARGEST_BYTES:
        raise _too_large(name, len(data))
    for form, mime in _FORMS:
        if form.match(data):
            return Image(data, mime)
    if _SVG.match(data):
        raise ContextRefused(
            f"{name} is SVG, which models do not see. Save it as PNG; or write file:{name} for its text."
        )
    raise ContextRefused(f"{name} is no picture that models see: PNG, JPEG, GIF or WebP. Save it as one of them.")


def _too_large(name: str, size_bytes: int) -> ContextRefused:
    return ContextRefused(
        f"{name} is a picture of {size_bytes / 1e6:.1f} MB, more than the {LARGEST_BYTES // 1_000_000} MB that are sent. "
        "Save it smaller, with fewer pixels or as JPEG."
    )


def _drawn(value: Any, name: str) -> Image:
    """Return the picture that an object draws of itself; that runs code of whoever wrote its class."""
    try:
        data = _figure(value) or _represented(value)
    except Exception as error:
        why = "".join(traceback.format_exception_only(error)).strip()[:_ERROR]  # which survives a broken __str__
        raise ContextRefused(f"{name} could not be drawn: {why}. Draw it in a cell, and write image:cell:N.") from error
    if not data:
        raise ContextRefused(
            f"{name} is no picture, but {type(value).__qualname__}. Name a figure or a picture, "
            f"or write ./{name} if a file is meant."
        )
    return picture_of(data, name)


def _figure(value: Any) -> bytes:
    """Return a figure of matplotlib as PNG, b"" if it is none; pyplot and the figure stay as they are."""
    artist = sys.modules.get("matplotlib.artist")  # if it is one, matplotlib is there
    if artist is None or not isinstance(value, artist.Artist):
        return b""
    figure = value.figure and value.figure.figure  # a part of a part of it knows the part
    if figure is None:
        return b""
    drawn = io.BytesIO()
    dpi = min(figure.dpi, LONGEST_SIDE / max(figure.get_size_inches()))
    figure.savefig(drawn, format="png", dpi=dpi, bbox_inches=None)
    return drawn.getvalue()


def _represented(value: Any) -> bytes:
    # By the class: an instance may answer to any name, as mocks do.
    for method in ("_repr_png_", "_repr_jpeg_"):
        draw = getattr(type(value), method, None)
        data = draw(value) if callable(draw) else None
        if isinstance(data, tuple):  # with metadata, as IPython allows
            data = data[0]
        if isinstance(data, str):
            data = base64.b64decode(data)
        if isinstance(data, bytes | bytearray) and data:
            return bytes(data)
    return b""


def _is_picture(name: str, value: object) -> bool:
    modules = (sys.modules.get("matplotlib.figure"), "Figure"), (sys.modules.get("PIL.Image"), "Image")
    return not name.startswith("_") and any(isinstance(value, getattr(each, cls, ())) for each, cls in modules)
