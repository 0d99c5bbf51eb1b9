"""The tools that a question may call are those that were chosen, and nothing that was not turned on."""

from pathlib import Path

import pytest

from chatnb.bridge import Bridge
from chatnb.context.gather import Gatherer
from chatnb.errors import SettingsError
from chatnb.toolkit import BUILT_IN, SETS, Kernel, Toolkit
from chatnb.tools.long_results import READER
from chatnb.tools.tool import Tool
from chatnb.tools.undo import Undo
from tests.context.shells import typed


def price_of(sku: str) -> float:
    """Look up a price."""
    return len(sku)


def kit(folder: Path, search: str = "", *, has_shell: bool = False) -> Toolkit:
    return Toolkit(folder, [Tool.of(price_of)], search=search, has_shell=has_shell, environment={})


def names(kit: Toolkit, *chosen: str) -> list[str]:
    return [tool.spec.name for tool in kit.chosen(chosen)]


def test_without_a_choice_the_users_own_functions_are_there_and_nothing_else(tmp_path: Path) -> None:
    assert names(kit(tmp_path)) == ["price_of"]


def test_a_set_brings_its_tools_and_a_name_that_tool_alone(tmp_path: Path) -> None:
    assert names(kit(tmp_path), "files") == ["read_file", "list_files", "search_files", "read_json"]
    assert names(kit(tmp_path), "read_file", "price_of", "files")[:2] == ["read_file", "price_of"]


@pytest.mark.parametrize("name", ["web", "shell", "python"])
def test_what_is_not_turned_on_says_how(tmp_path: Path, name: str) -> None:
    with pytest.raises(SettingsError, match="not here"):
        kit(tmp_path).chosen([name])


def test_what_is_turned_on_is_there(tmp_path: Path) -> None:
    there = kit(tmp_path, "searxng:https://search.example.org", has_shell=True)

    assert names(there, "web", "shell") == ["web_search", "read_page", "run_command"]


def test_an_unknown_name_tells_what_comes_near(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="read_file"):
        kit(tmp_path).chosen(["read_fil"])


def test_every_set_is_told_of(tmp_path: Path) -> None:
    there = kit(tmp_path, "ddgs", has_shell=True)

    assert set(there.all()) - {""} <= set(SETS)
    assert all(tool.effects for name, tools in there.all().items() if name for tool in tools)


def test_every_built_in_tool_is_known_by_name_even_where_it_is_not_here(tmp_path: Path) -> None:
    with typed() as terminal:
        page = Bridge(terminal.shell, lambda: "", lambda: False)
        kernel = Kernel(terminal.shell, Gatherer(()), Undo({}), page)
        there = Toolkit(tmp_path, (), kernel, search="ddgs", has_shell=True, environment={}).all()

    assert {tool.spec.name for tools in there.values() for tool in tools} | {READER} == BUILT_IN


def test_others_tools_are_chosen_like_ours_but_do_not_take_their_place(tmp_path: Path) -> None:
    there = kit(tmp_path)

    there.add({"notes": [Tool.of(price_of, name="notes_find")], "files": [Tool.of(price_of, name="files_find")]})

    assert names(there, "notes") == names(there, "notes_find") == ["notes_find"]
    assert "read_file" in names(there, "files")
    with pytest.raises(SettingsError, match="notes_find"):
        there.chosen(["notes_fnd"])
    assert there.chosen(["other_find"], is_lost=lambda name: name.startswith("other_")) == ()
