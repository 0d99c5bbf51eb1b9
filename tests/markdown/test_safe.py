"""What is published of a model's text: it reads as it was written, and nothing of it is live."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatnb.markdown.safe import code_blocks, safe_markdown
from tests.fuzz.generating import FENCE_LINES, MARKS, PAYLOADS, STARTS
from tests.hostile import HOSTILE, answers

JOINER = "\u2060"

PIECES = st.sampled_from([*PAYLOADS, *MARKS, *STARTS, *FENCE_LINES, "\n", "\n", "\n\n", "```py\n", "word "])
TEXTS = st.lists(PIECES, max_size=25).map("".join)
CODE = st.lists(st.sampled_from([*PAYLOADS, *MARKS, "x = 1", "    y", "\tz", "", "trailing  "]), max_size=8)


def marked(text: str) -> str:
    """Return the text made safe, with a bar for each word joiner."""
    return safe_markdown(text).replace(JOINER, "|")


@pytest.mark.parametrize(
    "text",
    [
        "a < b and x<3, if a<=b: 1 << 2",
        "Write to me@example.org or <me@example.org>, see <https://example.org/a?b=c&d> and https://example.org.",
        'Read the [docs](https://example.org/a_(b) "title"), [mail](mailto:a@b.cd), [above](#head).',
        "- [ ] to do\n- [x] done: **bold**, *italic*, ~~gone~~, `x[1]`, H~2~O, 5 > 3",
        "| a | b |\n|---|:-:|\n| 1 | `2` |",
        "$a < b$ and\n\n$$\n\\begin{aligned} a &= b \\\\[2pt] c &= d \\end{aligned}\n$$\n\n```\nx\n```",
        "It costs 5$ or 6$; 100 % &amp; more &#39;quoted&#39; &nbsp; &copy;",
        "[1]: https://example.org/paper\n[docs]: https://example.org",
        "1. Install:\n   ```bash\n   pip install x\n   ```\n2. Run it\n\n> a quote\n\n---\n\nThe end.",
        "for x in a[1:]: pass, and f[0](1) is `d[k]`",
    ],
)
def test_an_honest_text_stays_as_it_is(text: str) -> None:
    expected = text.replace("](1)", f"]{JOINER}(1)")

    assert safe_markdown(text) == expected


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<img src=x onerror=alert(1)>", "<|img src=x onerror=alert(1)>"),
        ("`List<int>` and List<int>", "`List<|int>` and List<|int>"),
        ("<!-- c --> <?php ?> </b> <![CDATA[", "<|!-- c --> <|?php ?> <|/b> <|!|[CDATA["),
        ("![a](https://x.y/z.png)", "!|[a](https://x.y/z.png)"),
        ("![a][r] and ![r]", "!|[a][r] and !|[r]"),
        ("[a](javascript:alert(1))", "|[a]|(javascript:alert(1))"),
        ("see [a](data:text/html,x)", "see [a]|(data:text/html,x)"),
        ("see [a](../secret) [b](//x.y) [c](x.ipynb)", "see [a]|(../secret) [b]|(//x.y) [c]|(x.ipynb)"),
        ("see [a](https://x.y 'title')", "see [a]|(https://x.y 'title')"),
        ("<javascript:alert(1)> <ftp://x.y>", "<|javascript:alert(1)> <|ftp:|//x.y>"),
        ("[r]: javascript:alert(1)", "|[r]: javascript:alert(1)"),
        ("[r]:\n  https://x.y", "|[r]:\n  https://x.y"),
        ("[r]: https://x.y\n'title'", "|[r]: https://x.y\n'title'"),
        ("> - [ ] [r]: /x", "> - [ ] |[r]: /x"),
        ("[^1]: a footnote", "|[^1]: a footnote"),
        ("term\n: definition", "term\n|: definition"),
    ],
)
def test_html_pictures_and_foreign_links_are_broken(text: str, shown: str) -> None:
    assert marked(text) == shown


@pytest.mark.parametrize(
    "name", ["href", "class", "cssId", "style", "require", "mmlToken", "bbox", "def", "let", "newcommand"]
)
def test_a_formula_neither_links_nor_styles_nor_defines(name: str) -> None:
    assert marked(f"$\\{name}{{x}}$") == f"$\\|{name}{{x}}$"


def test_a_formula_keeps_what_only_begins_like_that() -> None:
    text = "$\\leftarrow \\default \\classx \\left( \\text{a} \\right)$"

    assert safe_markdown(text) == text


@pytest.mark.parametrize("entity", ["&#92;", "&#x5c;", "&bsol;", "&#104;", "&#x0048;", "&#0000104"])
def test_entities_cannot_spell_a_command(entity: str) -> None:
    assert marked(f"a {entity}ref") == f"a &|{entity[1:]}ref"


@pytest.mark.parametrize(
    "text",
    [
        'https://x.y/$" onfocus=1 $',
        'www.x.y/\\\\(" onfocus=1 \\\\)',
        '<https://x.y/$" onfocus=1 $>',
        'HTTPS://x.y/$"x$',
    ],
)
def test_no_formula_begins_in_an_address(text: str) -> None:
    shown = marked(text)

    assert ":|//" in shown or "www|." in shown


def test_the_language_of_a_fence_is_one_plain_word() -> None:
    text = '```py" onfocus="alert(1)" x="$\nx\n```\n\n~~~ {.c++ file=a.cpp}\nx\n~~~'

    assert safe_markdown(text) == "```py\nx\n```\n\n```c++\nx\n```"


@pytest.mark.parametrize("info", ["mermaid", " mermaid ", "MERMAID", "{mermaid}", "mermaid title=x"])
def test_a_diagram_is_shown_as_code(info: str) -> None:
    assert safe_markdown(f"```{info}\ngraph LR\n```") == "```text\ngraph LR\n```"


def test_an_open_fence_is_closed() -> None:
    assert safe_markdown("a\n\n```py\nx = 1\n") == "a\n\n```py\nx = 1\n```"
    assert safe_markdown("```py") == "```py\n```"


def test_a_fence_is_longer_than_those_in_its_code() -> None:
    text = "```md\n``` not closed by this\n    ```\n```~~~\n```"

    assert safe_markdown(text) == "````md\n``` not closed by this\n    ```\n```~~~\n````"


def test_code_that_is_indented_less_than_its_fence_leaves_the_list() -> None:
    text = "1. Run\n   ```bash\npip install x\n   ```\n2. Done"

    assert safe_markdown(text) == "1. Run\n```bash\npip install x\n```\n2. Done"


def test_a_fence_is_apart_from_what_may_begin_a_formula() -> None:
    text = "It costs $5:\n```sh\necho $HOME\n```\nand $6"

    assert safe_markdown(text) == "It costs $5:\n\n```sh\necho $HOME\n```\n\nand $6"


def test_a_dollar_that_is_never_closed_does_not_reach_into_code() -> None:
    assert marked("In bash, $$ is the process.\n\n```sh\nkill $$\n```") == (
        "In bash, $|$ is the process.\n\n```sh\nkill $$\n```"
    )


@pytest.mark.parametrize(
    "formula",
    [
        "$$\nx\n$$",
        "- $$\n  x\n  $$",
        "> $$\n> x\n> $$",
        "    $$\n    x\n    $$",
        "a \\begin{a}x\\end{a}",
        "\\begin{a}\nx\n\\end{a}",
    ],
)
def test_formulas_stay_whole_beside_code(formula: str) -> None:
    text = f"{formula}\n\n```latex\n$$ \\end{{a}}\n```"

    assert safe_markdown(text) == text


def test_what_looks_like_a_fence_but_is_none_is_broken() -> None:
    assert marked("```a`b\n- [ ] ```\nuse ``` here") == "|```a`b\n- [ ] |```\nuse ``` here"


def test_control_characters_are_shown_and_those_that_turn_the_text_are_not_there() -> None:
    assert marked("\x1b[31mred \x00 \x7f \x9b \u2028") == "\u241b[31mred \u2400 \u2421 \ufffd \u2424"
    assert marked("a\u202eb\u2066c") == "a|b|c"


def test_line_ends_become_line_feeds() -> None:
    assert safe_markdown("a\r\nb\rc") == "a\nb\nc"


def test_containers_are_nested_at_most_sixteen_deep() -> None:
    assert marked(">" * 20 + "x") == ">" * 16 + "|" + ">" * 4 + "x"
    assert marked("- " * 20 + "x") == "- " * 16 + "|" + "- " * 4 + "x"


@pytest.mark.parametrize("text", [text for _, text in answers("http://127.0.0.1:9")], ids=[name for name, _ in HOSTILE])
def test_a_hostile_answer_reads_as_it_was_written(text: str) -> None:
    safe = safe_markdown(text)

    assert safe_markdown(safe) == safe
    assert _letters(safe) == _letters(text)


def _letters(text: str) -> str:
    """Return what there is to read outside of the lines with fences, which are written anew."""
    lines = (line for line in text.splitlines() if "```" not in line and "~~~" not in line)
    return "".join(re.findall("[A-Za-z]+", "".join(lines)))


@given(TEXTS)
def test_making_it_safe_again_changes_nothing(text: str) -> None:
    safe = safe_markdown(text)

    assert safe_markdown(safe) == safe


@given(TEXTS)
def test_code_is_exact(text: str) -> None:
    assert [block.code for block in code_blocks(safe_markdown(text))] == [block.code for block in code_blocks(text)]


@given(CODE)
def test_fenced_code_is_published_byte_for_byte(code: list[str]) -> None:
    text = "\n".join(["``````", *code, "``````"]).replace("\r", "")

    assert safe_markdown(text) == text
