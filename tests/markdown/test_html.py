"""A model's Markdown as HTML."""

import base64
from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from chatnb.markdown.cleaning import ATTRIBUTES, ELEMENTS
from chatnb.markdown.fences import code_blocks
from chatnb.markdown.html import Rendering, blocks, to_html
from tests.fuzz.renderers import python_renderers
from tests.hostile import answers
from tests.markdown.test_safe import CODE, TEXTS

PICTURE = "data:image/png;base64," + base64.b64encode(b"picture").decode()
CORPUS = dict(answers("http://127.0.0.1:9"))
SHORT = {name: text for name, text in CORPUS.items() if len(text) < 10_000}


def streamed(text: str, places: list[int]) -> tuple[str, ...]:
    """Render a text in deltas, and return what a page has at the end that only follows the changes."""
    rendering = Rendering()
    shown: tuple[str, ...] = ()
    for start, end in pairwise(sorted({0, len(text), *(place % (len(text) + 1) for place in places)})):
        change = rendering.add(text[start:end])
        shown = shown if change is None else change.applied(shown)
        assert shown == rendering.blocks
    for change in rendering.end():
        shown = change.applied(shown)
    assert shown == rendering.blocks
    return shown


def live(html: str) -> Iterator[str]:
    """Yield what a page would not expect of a text, as a browser reads it."""
    root = LexborHTMLParser(f"<!doctype html><html><head></head><body>{html}").root
    for node in root.traverse() if root is not None else ():
        tag = node.tag or ""
        if tag.startswith("-") or tag in ("html", "head", "body", "!doctype"):
            if "comment" in tag:
                yield "comment"
            continue
        if tag not in ELEMENTS:
            yield f"<{tag}>"
        for name, value in node.attributes.items():
            if name not in ATTRIBUTES.get(tag, ()) or not _is_expected(tag, name, value or ""):
                yield f"<{tag} {name}={value!r}>"


def _is_expected(tag: str, name: str, value: str) -> bool:
    match name:
        case "href":
            return value.startswith(("https://", "http://", "mailto:", "#chatnb-"))
        case "src":
            return value == PICTURE
        case "data-src":
            return tag == "button" and value.startswith(("https://", "http://"))
        case "class" | "id":
            return all(word.startswith("chatnb-") for word in value.split())
    return not name.startswith("on") and name != "style"


def text_of(html: str) -> str:
    """Return the words of HTML, however they are spaced."""
    body = LexborHTMLParser(f"<body>{html}").body
    return " ".join(body.text(separator=" ").split()) if body is not None else ""


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("# A *b*", '<h1 dir="auto">A <em>b</em></h1>'),
        ("~~a~~ **b** `c`", '<p dir="auto"><s>a</s> <strong>b</strong> <code>c</code></p>'),
        ("3. a", '<ol dir="auto" start="3"><li>a\n</li></ol>'),
        ("> a", '<blockquote dir="auto"><p dir="auto">a</p></blockquote>'),
        ("a  \nb\nc", '<p dir="auto">a<br>b\nc</p>'),
        ("***", "<hr>"),
        ("<b onclick=x>", '<p dir="auto">&lt;b onclick=x&gt;</p>'),
        ("$x<y$", '<p dir="auto"><math display="inline"><mrow><mi>x</mi><mo>&lt;</mo><mi>y</mi></mrow></math></p>'),
        ("It costs $5, not $10.", '<p dir="auto">It costs $5, not $10.</p>'),
        ("[a](javascript:x)", '<p dir="auto">[a](javascript:x)</p>'),
        ("[a](../b.ipynb)", '<p dir="auto">a (../b.ipynb)</p>'),
        ("\x1b[31m\u202eab", '<p dir="auto">\u241b[31m\u2060ab</p>'),
    ],
)
def test_a_text_becomes_what_it_means(text: str, html: str) -> None:
    assert to_html(text) == html


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("[a](https://x.y/z)", "https://x.y/z"),
        ("<https://x.y/z>", "https://x.y/z"),
        ("See https://x.y/a_b_c.", "https://x.y/a_b_c"),
        ("(https://x.y/z)", "https://x.y/z"),
        ("https://x.y/a_(b)", "https://x.y/a_(b)"),
        ("[a]\n\n[a]: https://x.y/z", "https://x.y/z"),
        ("<a@b.cd>", "mailto:a@b.cd"),
    ],
)
def test_a_link_opens_outside(text: str, address: str) -> None:
    assert f'<a href="{address}" rel="noopener noreferrer" target="_blank">' in to_html(text)


def test_a_table_keeps_its_alignment_without_a_style() -> None:
    html = to_html("| a | b |\n|--:|---|\n| 1 | 2 |")

    assert '<th class="chatnb-right" dir="auto">a</th><th dir="auto">b</th>' in html
    assert '<td class="chatnb-right" dir="auto">1</td><td dir="auto">2</td>' in html


def test_a_task_says_whether_it_is_done() -> None:
    html = to_html("- [ ] a\n- [x] b")

    assert '<li class="chatnb-undone"><span class="chatnb-task" role="img" aria-label="undone">\u2610</span> a' in html
    assert '<li class="chatnb-done"><span class="chatnb-task" role="img" aria-label="done">\u2611</span> b' in html


def test_notes_of_two_texts_do_not_meet() -> None:
    one, other = (to_html("a[^1]\n\n[^1]: b\n[^1]: c", name=name) for name in ("m1", "m2"))

    page = LexborHTMLParser(one + other)
    ids = [node.attributes["id"] for node in page.css("[id]")]
    assert len(ids) == len(set(ids)) == 2
    assert [node.attributes["href"] for node in page.css("a")] == [f"#{name}" for name in ids]


def test_a_picture_is_only_one_that_the_conversation_holds() -> None:
    held = {"my plot.png": PICTURE, "x": "data:text/html,<script>", "y": "https://x.y/z.png"}

    assert to_html("![p](<my plot.png>)", held.get) == f'<p dir="auto"><img src="{PICTURE}" alt="p"></p>'
    for name in ("x", "y", "z"):
        assert to_html(f"![p]({name})", held.get) == '<p dir="auto"><span class="chatnb-picture">p</span></p>'


def test_a_picture_of_the_web_waits_for_a_click() -> None:
    assert to_html("![A plot](https://x.y/z.png)") == (
        '<p dir="auto"><button type="button" class="chatnb-remote" data-src="https://x.y/z.png">A plot (x.y)</button></p>'
    )


@pytest.mark.parametrize(
    "tex", ["$$\na\n= b\n$$", "Sum:\n$$\na\n= b\n$$", "\\[a\n= b\\]", "\\begin{align}a=b\\end{align}"]
)
def test_a_formula_in_a_line_of_its_own_is_displayed(tex: str) -> None:
    assert '<math display="block">' in to_html(tex)


@pytest.mark.parametrize("tex", ["$\\frac{a}$", "$\\href{javascript:1}{x}$", "$" + "{" * 500 + "}" * 500 + "$"])
def test_a_formula_that_cannot_be_read_is_shown_as_it_was_written(tex: str) -> None:
    html = to_html(tex)

    assert '<code class="chatnb-tex">' in html
    assert text_of(html) == tex.strip("$")


@given(CODE, st.sampled_from(["", "python", "js", "html", "diff", "nonsense"]))
@example(["\ufeffx = 1"], "python")
def test_the_text_of_a_fence_is_its_code(lines: list[str], language: str) -> None:
    fence = f"~~~~~~~~~{language}\n" + "\n".join(lines) + "\n~~~~~~~~~\n"
    (code,) = [block.code for block in code_blocks(fence)]

    html = to_html(fence)

    node = LexborHTMLParser(html).css_first("pre.chatnb-code")
    assert node is not None
    assert node.attributes["data-language"] == language
    assert node.text() == code.replace("\0", "\ufffd")


def test_code_that_turns_the_direction_of_writing_is_marked() -> None:
    html = to_html("```python\na = '\u202e'\n```")

    assert '<span class="chatnb-bidi">\u202e</span>' in html


def test_code_is_coloured_once_its_fence_closes() -> None:
    rendering = Rendering()
    rendering.add("```python\nx = 1\n")
    assert rendering.blocks == ('<pre class="chatnb-code" data-language="python"><code>x = 1',)

    rendering.add("```\n")

    assert rendering.blocks == blocks("```python\nx = 1\n```")
    assert "chatnb-number" in rendering.blocks[0]


def test_an_open_fence_is_only_added_to() -> None:
    rendering = Rendering()
    rendering.add("Code:\n```python\n")
    shown = rendering.blocks
    for delta in ["i", "f x <", " 1:\n", "    y", "\n", "\n\ud83d\ude00", "z = '\U0001f600'"]:
        change = rendering.add(delta)
        if change is not None:
            assert (change.start, change.stop) == (1, 2)
            assert change.keep == len(shown[1].encode("utf-16-le")) // 2
            shown = change.applied(shown)

    assert shown == rendering.blocks


def test_a_link_that_is_defined_later_is_one_at_the_end() -> None:
    rendering = Rendering()
    rendering.add("See [docs] and[^1].\n\nMore.\n\n[docs]: https://x.y\n\n[^1]: Note\n\nThe end")
    assert "<a " not in rendering.blocks[0]

    changes = rendering.end()

    assert [(change.start, change.stop) for change in changes] == [(0, 1)]
    assert rendering.blocks[0].count("<a ") == 2


@pytest.mark.parametrize("end", ["-", "[docs](https://exa", "| a | b |", "$$\nx", "**", "```", "```py"])
def test_what_is_half_written_is_held_back(end: str) -> None:
    rendering = Rendering()

    rendering.add(f"Text\n\n{end}")

    assert rendering.blocks == ('<p dir="auto">Text</p>',)


@given(TEXTS, st.lists(st.integers(0, 10_000), max_size=12))
def test_any_split_of_any_text_ends_at_the_same_blocks(text: str, places: list[int]) -> None:
    assert streamed(text, places) == blocks(text)


@given(TEXTS, st.lists(st.integers(0, 10_000), max_size=12))
def test_a_text_that_has_to_be_cut_ends_at_the_same_blocks(text: str, places: list[int]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("chatnb.markdown.parts.LONGEST", 100)
        patch.setattr("chatnb.markdown.parts._LONG_FENCE", 30)

        assert streamed(text, places) == blocks(text)


@pytest.mark.parametrize("name", CORPUS)
def test_a_hostile_answer_is_harmless(name: str) -> None:
    assert list(live(to_html(CORPUS[name], lambda _: PICTURE))) == []


def test_what_is_not_rendered_by_us_is_live() -> None:
    """Shows that the test above can fail."""
    assert sum(bool(list(live(text))) for text in CORPUS.values()) > len(CORPUS) / 4


@pytest.mark.parametrize("name", SHORT)
def test_a_hostile_answer_is_harmless_after_each_delta(name: str) -> None:
    rendering = Rendering(lambda _: PICTURE)
    for char in SHORT[name]:
        if rendering.add(char) is not None:
            assert list(live("".join(rendering.blocks))) == []
    rendering.end()
    assert rendering.blocks == blocks(SHORT[name], lambda _: PICTURE)


@pytest.mark.parametrize(
    "text",
    [
        "# Head\n\nSome *text* with `code` and [a link](https://x.y).\n\n- one\n- two\n\n  more\n",
        "> quoted\nlazily\n\n1. a\n   - b\n\n     c\n2. d\n\n***\n\nEnd &amp; &copy; \\* \\_ &lt;b&gt;",
        "Setext\n===\n\n    indented <code>\n\na\\\nb\n\n* * *\n\n*a **b** c*",
    ],
)
def test_the_words_are_those_of_commonmark(text: str) -> None:
    (page,) = dict(python_renderers())["commonmark"]([text])

    assert text_of(to_html(text)) == text_of(page)


@pytest.mark.parametrize("unit", ["> ", "- ", "1. "])
def test_what_is_nested_without_end_is_shown_as_it_was_written(unit: str) -> None:
    text = unit * 3_000 + "x"

    assert text_of(to_html(text)) == text
