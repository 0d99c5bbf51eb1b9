"""Pictures that belong to a result: as many and as large as may be sent."""

import base64

from chatnb.messages import Image, ToolCall
from chatnb.tools.outcome import LARGEST_BYTES, MOST_PICTURES, Outcome, pictured
from chatnb.tools.toolbox import Toolbox

PNG = b"\x89PNG"


def test_pictures_are_read_as_bytes_and_from_base64() -> None:
    outcome = pictured("Two.", [("image/png", PNG), ("image/jpeg", base64.b64encode(b"\xff").decode())])

    assert outcome == Outcome("Two.", (Image(PNG, "image/png"), Image(b"\xff", "image/jpeg")))


def test_of_many_pictures_the_last_are_kept_and_it_is_said() -> None:
    outcome = pictured("Many.", [("image/png", bytes([number])) for number in range(MOST_PICTURES + 2)])

    assert [image.data[0] for image in outcome.images] == [2, 3, 4, 5]
    assert "2 of 6 pictures left out" in outcome.text


def test_what_is_too_large_or_no_picture_is_left_out_and_it_is_said() -> None:
    outcome = pictured("One.", [("image/png", bytes(LARGEST_BYTES + 1)), ("image/png", "x"), ("image/png", PNG)])

    assert outcome.images == (Image(PNG, "image/png"),)
    assert "2 of 3 pictures left out" in outcome.text


async def test_pictures_of_a_tool_are_in_its_result() -> None:
    def plot() -> Outcome:
        """Plot."""
        return Outcome("A plot.", (Image(PNG, "image/png"),))

    [result] = [result async for result in Toolbox([plot]).run([ToolCall("1", "plot", {})])]

    assert (result.text, result.images) == ("A plot.", (Image(PNG, "image/png"),))
