"""What a docstring says reaches the model, in whichever of the two common forms it is written."""

import pytest

from chatnb.tools.docstring import parameters, summary

NUMPYDOC = """Return the price
    of a thing.

    More about it.

    Parameters
    ----------
    name : str, optional
        What it is called,
        exactly.

        With a second paragraph.
    x, y : {'a', 'b'}
        Where it is.
    *rest
    silent : int

    Returns
    -------
    float
        In euros.
    """

GOOGLE = """Return the price of a thing.

    Args:
        name (dict[str, int], optional): What it is called,
            exactly.
        where: Where it is: here.

    Returns:
        float: In euros.
    """


def test_the_first_paragraph_is_the_summary_in_one_line() -> None:
    said = summary(NUMPYDOC)

    assert said == "Return the price of a thing."


def test_numpydoc_describes_parameters() -> None:
    said = parameters(NUMPYDOC)

    assert said == {
        "name": "What it is called, exactly. With a second paragraph.",
        "x": "Where it is.",
        "y": "Where it is.",
    }


def test_google_describes_parameters() -> None:
    said = parameters(GOOGLE)

    assert said == {"name": "What it is called, exactly.", "where": "Where it is: here."}


@pytest.mark.parametrize("docstring", ["", "One line.", "Parameters", "Args:", "Text.\n\nParameters\n----------\n"])
def test_a_docstring_that_describes_none_is_no_error(docstring: str) -> None:
    said = parameters(docstring)

    assert said == {}


def test_a_section_at_the_end_is_read_to_its_last_line() -> None:
    said = parameters("Add.\n\nParameters\n----------\nx\n    The first.\ny\n    The last.")

    assert said == {"x": "The first.", "y": "The last."}
