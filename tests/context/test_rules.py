"""The project's rules are found beside the notebook, and only what can be read of them counts."""

from pathlib import Path

from chatnb.context.rules import MOST_CHARS, read_rules


def test_the_first_file_that_is_there_counts(tmp_path: Path) -> None:
    (tmp_path / "AGENTS.md").write_text("Use polars.\n")
    agents = read_rules(str(tmp_path / "a.ipynb"))
    (tmp_path / ".chatnb.md").write_text("\ufeffUse pandas.\n", encoding="utf-8")
    own = read_rules(str(tmp_path))

    assert agents is not None
    assert own is not None
    assert (agents.path.name, agents.text) == ("AGENTS.md", "Use polars.")
    assert (own.path.name, own.text) == (".chatnb.md", "Use pandas.")


def test_a_file_that_is_too_long_is_cut_and_that_is_told(tmp_path: Path) -> None:
    (tmp_path / "AGENTS.md").write_text("x" * (MOST_CHARS + 1))

    rules = read_rules(str(tmp_path))

    assert rules is not None
    assert len(rules.text) == MOST_CHARS
    assert "AGENTS.md only the first 16,000" in rules.notes[0]


def test_where_there_are_none_nothing_is_read(tmp_path: Path) -> None:
    (tmp_path / "AGENTS.md").mkdir()

    assert read_rules(str(tmp_path)) is None
    assert read_rules("") is None
    assert read_rules(str(tmp_path / "gone" / "a.ipynb")) is None
