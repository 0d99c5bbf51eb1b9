"""Pictures of files, of variables and of cells."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import PIL.Image
import pytest
from IPython import display
from matplotlib.figure import Figure

from chatnb.context import pictures
from chatnb.context.base import Reference
from chatnb.context.pictures import ImageSource
from chatnb.errors import ContextNotFound, ContextRefused
from chatnb.messages import Image

Shown: Any = display.Image  # IPython has no types for it


def drawn(form: str, size: tuple[int, int] = (4, 3)) -> bytes:
    data = io.BytesIO()
    PIL.Image.new("RGB", size, "red").save(data, form)
    return data.getvalue()


def of_cells(target: str) -> Sequence[Image]:
    if target not in ("cell:5", "out:5"):
        raise ContextNotFound(f"No {target}.")
    return Image(b"one", "image/png"), Image(b"two", "image/jpeg")


def read(target: str, folder: Path = Path(), **namespace: Any) -> tuple[Image, ...]:
    parts = ImageSource(folder, namespace, of_cells).read(Reference("image", target)).parts
    assert all(isinstance(part, Image) for part in parts)
    return parts  # type: ignore[return-value]


def size(image: Image) -> tuple[int, int]:
    with PIL.Image.open(io.BytesIO(image.data)) as opened:
        return opened.size


@pytest.mark.parametrize("form", ["png", "jpeg", "gif", "webp"])
def test_a_file_is_sent_unchanged_under_what_it_is_and_not_what_it_is_called(tmp_path: Path, form: str) -> None:
    (tmp_path / "odd.bmp").write_bytes(drawn(form))

    images = read("odd.bmp", tmp_path)

    assert images == (Image(drawn(form), f"image/{form}"),)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "is SVG"),
        (b"<?xml version='1.0'?><svg/>", "is SVG"),
        (b"", "no picture"),
        (b"text", "no picture"),
        (b"RIFF1234WAVE", "no picture"),
    ],
)
def test_what_models_do_not_see_is_refused(tmp_path: Path, data: bytes, why: str) -> None:
    (tmp_path / "a.png").write_bytes(data)

    with pytest.raises(ContextRefused, match=why):
        read("a.png", tmp_path)


def test_a_large_file_is_refused_with_its_size(tmp_path: Path) -> None:
    with (tmp_path / "a.png").open("wb") as file:
        file.write(drawn("png"))
        file.truncate(3_000_000_000)

    with pytest.raises(ContextRefused, match=r"3000\.0 MB"):
        read("a.png", tmp_path)


def test_there_is_no_such_picture(tmp_path: Path) -> None:
    for target in ("nothing.png", "", "cell:6"):
        with pytest.raises(ContextNotFound):
            read(target, tmp_path)
    with pytest.raises(ContextNotFound, match="neither a variable nor a file figure"):
        read("figure", tmp_path)


def test_a_figure_is_drawn_and_stays_as_it_was() -> None:
    mpl.use("agg")
    import matplotlib.pyplot as plt  # noqa: PLC0415 - after the backend is chosen

    figure, other = plt.figure(figsize=(4, 3), dpi=100), plt.figure()
    before = figure.canvas, figure.dpi, plt.get_fignums(), plt.gcf()

    (image,) = read("figure", figure=figure)

    assert (image.mime, size(image)) == ("image/png", (400, 300))
    assert (figure.canvas, figure.dpi, plt.get_fignums(), plt.gcf()) == before
    assert plt.gcf() is other
    plt.close("all")


def test_a_part_of_a_figure_stands_for_all_of_it() -> None:
    figure = Figure(figsize=(4, 3), dpi=100)
    axes = figure.subplots()
    (line,) = axes.plot([1, 2])
    below = figure.add_subfigure(figure.add_gridspec(1, 1)[0]).subplots()

    for part in (axes, line, below):
        (image,) = read("part", part=part)
        assert size(image) == (400, 300)


def test_a_huge_figure_is_drawn_small() -> None:
    (image,) = read("figure", figure=Figure(figsize=(900, 300), dpi=100))

    assert size(image) == (2000, 666)


def test_objects_that_draw_themselves_are_drawn() -> None:
    class Texts:
        def _repr_png_(self) -> str:
            return base64.b64encode(drawn("png")).decode()

    class Pairs:
        def _repr_jpeg_(self) -> tuple[bytes, dict[str, int]]:
            return drawn("jpeg"), {"width": 4}

        def _repr_png_(self) -> None:
            """Have no PNG this time, which IPython allows."""

    things: dict[str, Any] = {
        "pil": PIL.Image.new("RGB", (4, 3)),
        "shown": Shown(data=drawn("png")),
        "texts": Texts(),
        "pairs": Pairs(),
    }

    for name in things:
        assert size(read(name, **things)[0]) == (4, 3)


def test_an_object_that_fails_to_draw_itself_is_refused_with_what_it_said() -> None:
    class Unspeakable(Exception):  # noqa: N818 - it tests its name
        def __str__(self) -> str:
            raise self

    class Failing:
        def __init__(self, error: Exception) -> None:
            self._error = error

        def _repr_png_(self) -> bytes:
            raise self._error

    for error, said in ((ValueError("no ink"), "ValueError: no ink"), (Unspeakable(), "Unspeakable")):
        with pytest.raises(ContextRefused, match=f"thing could not be drawn: .*{said}"):
            read("thing", thing=Failing(error))


def test_what_draws_nothing_or_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    class Anything:
        def __getattr__(self, name: str) -> Any:
            return lambda: drawn("png")

    monkeypatch.setattr(pictures, "LARGEST_BYTES", 50)

    for value, why in ((7, "is no picture, but int"), (Anything(), "is no picture"), (Shown(data=drawn("png")), "MB")):
        with pytest.raises(ContextRefused, match=why):
            read("value", value=value)


def test_the_pictures_of_a_cell_are_all_given() -> None:
    for target in ("cell:5", "out:5"):
        assert [image.data for image in read(target)] == [b"one", b"two"]


def test_a_variable_comes_before_a_file_and_a_path_means_the_file(tmp_path: Path) -> None:
    (tmp_path / "plot").write_bytes(drawn("gif"))

    assert read("plot", tmp_path, plot=PIL.Image.new("L", (1, 1)))[0].mime == "image/png"
    assert read("./plot", tmp_path, plot=7)[0].mime == "image/gif"


def test_the_names_are_of_pictures_alone(tmp_path: Path) -> None:
    for name in ("b.PNG", "a.webp", "c.csv"):
        (tmp_path / name).touch()
    namespace = {"figure": Figure(), "number": 7, "pil": PIL.Image.new("L", (1, 1)), "_hidden": Figure()}

    names = list(ImageSource(tmp_path, namespace, of_cells).names())

    assert names == ["image:figure", "image:pil", "image:a.webp", "image:b.PNG"]
    assert not list(ImageSource(tmp_path / "gone", {}, of_cells).names())
