"""Which notebook a kernel serves."""

from __future__ import annotations

from pathlib import Path

import pytest

from chatnb.place import notebook_path, place_of


@pytest.fixture
def notebook(tmp_path: Path) -> Path:
    path = tmp_path / "my work.ipynb"
    path.write_text("{}")
    return path


def test_what_the_user_says_is_believed_before_all(notebook: Path, tmp_path: Path) -> None:
    told = tmp_path / "other.ipynb"

    found = notebook_path(str(told), {}, {"JPY_SESSION_NAME": str(notebook)}, tmp_path, is_live=True)

    assert found == told


def test_vs_code_tells_through_the_namespace(notebook: Path, tmp_path: Path) -> None:
    assert notebook_path("", {"__vsc_ipynb_file__": str(notebook)}, {}, tmp_path, is_live=True) == notebook


@pytest.mark.parametrize("hint", ["{path}", "my work.ipynb"])
def test_jupyter_server_tells_through_the_environment(hint: str, notebook: Path, tmp_path: Path) -> None:
    environment = {"JPY_SESSION_NAME": hint.format(path=notebook)}

    assert notebook_path("", {}, environment, tmp_path, is_live=True) == notebook


@pytest.mark.parametrize("hint", ["gone.ipynb", "Console 1", "", "sub/my work.ipynb", "/elsewhere/my work.ipynb"])
def test_a_hint_that_cannot_be_right_is_not_believed(hint: str, notebook: Path, tmp_path: Path) -> None:
    assert notebook_path("", {}, {"JPY_SESSION_NAME": hint}, tmp_path, is_live=True) is None


def test_a_notebook_that_runs_inside_another_does_not_take_its_name(notebook: Path, tmp_path: Path) -> None:
    assert notebook_path("", {}, {"JPY_SESSION_NAME": str(notebook)}, tmp_path, is_live=False) is None


def test_where_no_notebook_is_known_the_folder_is_the_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    monkeypatch.chdir(tmp_path)

    assert place_of("", {}, is_live=True) == str(tmp_path)


def test_a_run_without_a_person_has_no_place_to_go_on_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    assert place_of("", {}, is_live=False) == ""
