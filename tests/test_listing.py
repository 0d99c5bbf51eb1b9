"""Values that show themselves as a table."""

from __future__ import annotations

from chatnb.listing import Listing, Said, size


def test_a_listing_is_the_sequence_of_its_values() -> None:
    listing = Listing([3, 1, 2], {"n": str})

    assert (list(listing), listing[1], listing[1:], len(listing)) == ([3, 1, 2], 1, (1, 2), 3)


def test_plain_text_has_aligned_columns_and_the_caption() -> None:
    listing = Listing(["a", "long"], {"name": str, "size": lambda s: str(len(s))}, caption="Names")

    assert repr(listing) == "Names\nname  size\na        1\nlong     4"


def test_whole_numbers_are_aligned_to_the_right_in_html_too() -> None:
    html = Listing([7, 1_234], {"n": "{:,}".format, "size": "{} B".format})._repr_html_()

    right, left = "style='text-align:right'", "style='text-align:left'"
    assert f"<tr><th {right}>n</th><th {left}>size</th></tr>" in html
    assert f"<tr><td {right}>1,234</td><td {left}>1234 B</td></tr>" in html


def test_a_column_in_which_nothing_stands_is_not_shown() -> None:
    listing = Listing(["a", "b"], {"name": str, "gone": lambda _: "", "": lambda name: name.strip("b")})

    assert repr(listing) == "name\na     a\nb"
    assert "gone" not in listing._repr_html_()


def test_what_is_to_be_typed_is_code_in_html() -> None:
    listing = Listing([1], {"n": str}, caption="Try `%chat <b>`.\nOr not.")

    assert listing._repr_html_().startswith("<p>Try <code>%chat &lt;b&gt;</code>.<br>Or not.</p><table>")


def test_a_cell_of_several_lines_stays_on_one() -> None:
    assert repr(Listing(["a\nb\t c"], {"text": str})).splitlines() == ["text", "a b c"]


def test_html_shows_what_a_stranger_wrote_as_text() -> None:
    html = Listing(["<img src=x onerror=alert(1)>"], {"<b>": str}, caption="<i>")._repr_html_()

    assert "<img" not in html
    assert "<b>" not in html
    assert "<i>" not in html
    assert "&lt;img src=x onerror=alert(1)&gt;" in html


def test_without_values_it_says_what_to_do() -> None:
    listing: Listing[str] = Listing([], {"name": str}, empty="Ask <something>.")

    assert repr(listing) == "Ask <something>."
    assert listing._repr_html_() == "<p>Ask &lt;something&gt;.</p>"


def test_sizes_are_told_as_disks_are_sold() -> None:
    assert [size(n) for n in (0, 999, 1_000, 2_500_000_000_000)] == ["0 B", "999 B", "1.0 kB", "2.5 TB"]


def test_what_was_said_gives_no_orders_to_a_terminal() -> None:
    title = "Plans\x1b]0;owned\x07\x1b[2J"

    assert repr(Listing([title], {"title": str}, caption=title)).split() == ["Plans", "title", "Plans"]
    assert Said(title).bundle[0]["text/plain"] == "Plans"
