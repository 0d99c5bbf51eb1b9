"""The files of the panel and the labextension are plain, typed and clean, and make one module for a widget."""

import os
import re
from pathlib import Path

import pytest

from chatnb.scripts import FOLDER, module
from tests import node

HERE = Path(__file__).parent
CACHE = node.CACHE / "panel"
PACKAGES = ("typescript@7.0.2", "eslint@10.15.0", "@eslint/js@10.0.1", "globals@17.14.0")


@pytest.fixture(scope="module", autouse=True)
def _packages() -> None:
    node.install(CACHE, PACKAGES)


def test_its_types_hold() -> None:
    checked = node.run(CACHE / "node_modules" / "typescript" / "bin" / "tsc", "-p", HERE / "tsconfig.json")

    assert (checked.stdout, checked.returncode) == ("", 0)


def test_a_linter_finds_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "CHATNB_NODE", str(CACHE))

    checked = node.run(
        CACHE / "node_modules" / "eslint" / "bin" / "eslint.js",
        *("--no-warn-ignored", "--max-warnings=0", "-c", HERE / "eslint.config.mjs", "."),
        cwd=FOLDER,
    )

    assert (checked.stdout, checked.stderr, checked.returncode) == ("", "", 0)


def test_what_is_sent_to_each_page_is_small() -> None:
    assert len(module().encode()) < 60_000


def test_no_selector_looks_for_something_at_any_depth() -> None:
    looks = re.findall(r":has\([^)]*\)?", (FOLDER / "panel.css").read_text(encoding="utf-8"))

    # It would look through the whole conversation at each change.
    assert [look for look in looks if not re.fullmatch(r":has\(> \* > \.[\w-]+\)", look)] == []


def test_html_enters_the_page_at_one_place() -> None:
    text = module()

    assert text.count(".innerHTML") == 1
    assert "import(" not in text


def test_a_widget_is_given_one_module_of_all_files(tmp_path: Path) -> None:
    joined = tmp_path / "panel.mjs"
    joined.write_text(module(), encoding="utf-8")

    loaded = node.run(
        "--input-type=module", "-e", f"console.log(Object.keys((await import('file://{joined}')).default))"
    )

    assert (loaded.stdout, loaded.stderr) == ("[ 'render' ]\n", "")
    assert all(
        f"class {name}" in module() for name in ("Panel", "Composer", "Sheets", "EntryView", "Carrier", "Notebook")
    )


def test_files_are_joined_behind_what_they_need(tmp_path: Path) -> None:
    (tmp_path / "b.js").write_text(
        "/** Say b. */\nexport const b = () => {\n  // why\n  /** @type {1} */ (1);\n  /** @type {2} */\n  return 2;\n};\n"
        "if (1 === 2) { b() }\n"
        "const at = 'http://b',\n  c = b()\n"
    )
    (tmp_path / "a.js").write_text('import { b } from "./b.js";\n\nexport default { a: b };\n')

    assert module("a", tmp_path) == (
        "const b=()=>{(1);return 2;};if (1===2){b()}\nconst at='http://b',\nc=b()\nexport default {a: b};"
    )
