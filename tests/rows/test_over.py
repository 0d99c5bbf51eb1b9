"""One question about each row of a table."""

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal

import pandas as pd  # type: ignore[import-untyped]
import polars as pl
import pyarrow as pa  # type: ignore[import-untyped]
import pytest
from pydantic import AfterValidator, BaseModel

import chatnb
from chatnb.console import main
from chatnb.errors import ModelBusy, ModelNotFound, SettingsError
from chatnb.rows.checkpoint import Checkpoint
from chatnb.settings import RetryPolicy, Settings
from tests.echoing import EchoServer
from tests.faults.script import Answer, Status
from tests.faults.server import FaultServer

ONCE = RetryPolicy(attempts=1)
ROOT = Path(__file__).parents[2]


class Kind(BaseModel):
    """How a review is."""

    mood: Literal["good", "bad"]
    stars: int
    sure: float | None
    is_long: bool
    words: list[str]


@dataclass
class Stars:
    """How many stars a review gives."""

    stars: int


@pytest.fixture
def echo() -> Iterator[EchoServer]:
    """Run a server that says what it was asked."""
    with EchoServer() as server:
        yield server


def settings_of(home: Path, *servers: FaultServer, **more: Any) -> Settings:
    hosts = ",".join(server.url.removeprefix("http://") for server in servers)
    return Settings(model=f"tinychat@{hosts}", home=str(home), retry=ONCE, rules=False, **more)


FRAMES: dict[str, Callable[[dict[str, list[Any]]], Any]] = {
    "pandas": pd.DataFrame,
    "pandas with another index": lambda data: pd.DataFrame(data, index=range(10, 10 + len(data["text"]))),
    "pandas with numbers for names": lambda data: pd.DataFrame(data).rename(columns={"text": 0}),
    "polars": pl.DataFrame,
    "pyarrow": pa.table,
}


@pytest.mark.parametrize("make", FRAMES.values(), ids=FRAMES)
def test_answers_become_typed_columns_beside_the_rows_and_failures_rows_with_an_error(
    make: Callable[[dict[str, list[Any]]], Any], echo: EchoServer, tmp_path: Path
) -> None:
    said = '{"mood": "good", "stars": 4, "sure": null, "is_long": false, "words": ["a", "b"]}'
    frame = make({"text": [said, '{"mood": "so-so"}', "It is odd."], "id": [1, 2, 3]})

    first = "text" if isinstance(frame, pa.Table) else frame.columns[0]
    table = chatnb.over(frame, f"{{{first}}}", schema=Kind, settings=settings_of(tmp_path, echo))

    assert type(table) is type(frame)
    if isinstance(table, pd.DataFrame):
        assert list(table.index) == list(frame.index)
        table.columns = table.columns.map(str)
    rows = table.to_pylist() if isinstance(table, pa.Table) else pl.from_dataframe(table).to_dicts()
    good = {"mood": "good", "stars": 4, "sure": None, "is_long": False, "error": None}
    assert {name: rows[0][name] for name in good} == good
    assert (rows[0]["id"], rows[1]["id"], list(rows[0]["words"])) == (1, 2, ["a", "b"])
    assert [row["stars"] for row in rows] == [4, None, None]
    assert "does not fit the schema: mood: Input should be 'good' or 'bad'" in rows[1]["error"]
    assert "The answer is no JSON" in rows[2]["error"]
    kinds = table.schema.types if isinstance(table, pa.Table) else list(table.dtypes)
    names = [str(kind).casefold() for kind in kinds[3:6]]
    assert names in (["int64", "float64", "boolean"], ["int64", "double", "bool"])


@pytest.mark.parametrize(
    ("schema", "said", "columns"),
    [
        (None, "Yes.", {"answer": "Yes."}),
        (Stars, '{"stars": 3}', {"stars": 3}),
        (Literal["yes", "no"], '"yes"', {"answer": "yes"}),
        ({"type": "object", "properties": {"n": {"type": "integer"}}}, '{"n": 2}', {"n": 2}),
    ],
)
def test_a_schema_may_be_of_any_kind(schema: Any, said: str, columns: dict[str, Any], tmp_path: Path) -> None:
    with FaultServer([Answer(text=said)]) as server:
        frame = pl.DataFrame({"text": ["fine"]})
        table = chatnb.over(frame, "{text}", schema=schema, settings=settings_of(tmp_path, server), prefix="new_")

    (row,) = table.to_dicts()
    assert row == {"text": "fine", **{f"new_{name}": value for name, value in columns.items()}, "new_error": None}


def test_what_no_longer_fits_is_a_row_with_an_error(tmp_path: Path) -> None:
    def refuse(_: int) -> int:
        raise ValueError("too many")

    frame = pl.DataFrame({"text": ["fine"]})
    with FaultServer([Answer(text="4")]) as server:
        settings = settings_of(tmp_path, server)
        before = chatnb.over(frame, "{text}", schema=int, settings=settings, answers=tmp_path / "a")
        strict = Annotated[int, AfterValidator(refuse)]  # the same JSON schema
        after = chatnb.over(frame, "{text}", schema=strict, settings=settings, answers=tmp_path / "a")
        asks = len(server.chats)

    assert asks == 1
    assert before["answer"].to_list() == [4]
    assert after["answer"].to_list() == [None]
    assert "too many" in after["error"][0]


def test_a_prompt_that_the_server_cut_is_a_failure(tmp_path: Path) -> None:
    with FaultServer([Answer(text="Yes.", counts={"prompt_eval_count": 4_096})]) as server:
        settings, frame = settings_of(tmp_path, server), pl.DataFrame({"text": ["a"]})
        table = chatnb.over(frame, "{text}", settings=settings)
        again = chatnb.over(frame, "{text}", settings=settings)
        asks = len(server.chats)

    assert asks == 1
    assert table["answer"].to_list() == again["answer"].to_list() == [None]
    assert table["error"][0].startswith("The server did not read the whole prompt: it dropped at least ")


def test_only_what_is_new_or_changed_is_asked_and_failures_only_when_they_are_to_be(
    echo: EchoServer, tmp_path: Path
) -> None:
    settings, prompt = settings_of(tmp_path, echo, parallel=1), "Say {text}"
    first = chatnb.over(pl.DataFrame({"text": ["a", "b", "b"]}), prompt, settings=settings)
    with FaultServer([Status(400)], port=0) as failing:
        chatnb.over(pl.DataFrame({"text": ["c"]}), prompt, settings=settings_of(tmp_path, failing))

    second = chatnb.over(pl.DataFrame({"text": ["new", "b", "a", "c"]}), prompt, settings=settings)
    third = chatnb.over(pl.DataFrame({"text": ["c", "b", "b", "b"]}), prompt, settings=settings, retry_failed=True)
    warmer = replace(settings, options={"temperature": 1})
    chatnb.over(pl.DataFrame({"text": ["a"]}), prompt, settings=warmer)

    assert first["answer"].to_list() == ["Say a", "Say b", "Say b"]
    assert second["answer"].to_list() == ["Say new", "Say b", "Say a", None]
    assert third["answer"].to_list() == ["Say c", "Say b", "Say b", "Say b"]
    # Prompts are planned side by side, so that two of one run may change places.
    assert sorted(echo.asked) == sorted(f"Say {text}" for text in ("a", "b", "b", "new", "c", "b", "a"))


def test_a_table_without_rows_gets_its_columns_and_nobody_is_asked(tmp_path: Path) -> None:
    settings = Settings(model="tinychat@127.0.0.1:9", home=str(tmp_path))
    table = chatnb.over(pl.DataFrame({"text": []}), "{text}", schema=Stars, settings=settings)

    assert (table.columns, len(table), table["stars"].dtype) == (["text", "stars", "error"], 0, pl.Int64)


def test_the_rules_of_a_folder_shape_an_answer_too(
    echo: EchoServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    settings, frame = replace(settings_of(tmp_path, echo), rules=True), pl.DataFrame({"text": ["a"]})
    for rules in ("Be brief.", "Be brief.", "Be kind."):
        Path(".chatnb.md").write_text(rules)
        chatnb.over(frame, "{text}", settings=settings)

    assert [chat.messages[0]["content"] for chat in echo.chats] == ["Be brief.", "Be kind."]


def test_a_key_tells_rows_apart_whatever_their_order(echo: EchoServer, tmp_path: Path) -> None:
    settings = settings_of(tmp_path, echo)
    frame = pl.DataFrame({"text": ["a", "a"], "id": [1, 2]})
    chatnb.over(frame, "{text}", settings=settings, key="id")

    chatnb.over(frame[::-1], "{text}", settings=settings, key="id")

    assert echo.asked == ["a", "a"]


def test_rows_run_side_by_side_on_all_hosts_within_the_limit_of_each(tmp_path: Path) -> None:
    with EchoServer([Answer(rate=200)]) as one, EchoServer([Answer(rate=200)]) as two:
        frame = pl.DataFrame({"n": range(60)})
        table = chatnb.over(frame, "Say the number {n} now", settings=settings_of(tmp_path, one, two, parallel=3))

    assert table["answer"].to_list() == [f"Say the number {n} now" for n in range(60)]
    for server in (one, two):
        spans = [(chat.asked_at, chat.last_token_at or 0) for chat in server.chats]
        assert len(spans) >= 15
        assert max(sum(began <= at < ended for began, ended in spans) for at, _ in spans) <= 3


def test_where_the_first_rows_all_fail_the_rest_is_not_asked_and_nothing_is_kept(tmp_path: Path) -> None:
    frame = pl.DataFrame({"n": range(1_000)})
    with FaultServer([Status(404)]) as server:
        with pytest.raises(ModelNotFound, match="The first 5 rows failed, so the rest was not asked"):
            chatnb.over(frame, "{n}", settings=settings_of(tmp_path, server), answers=tmp_path / "answers")
        asks = len(server.chats)

    assert asks < 20
    assert (tmp_path / "answers").read_bytes() == b""


def test_a_server_that_goes_away_in_the_middle_ends_the_asking_and_its_rows_are_asked_by_the_next_call(
    echo: EchoServer, tmp_path: Path
) -> None:
    frame = pl.DataFrame({"n": range(1_000)})
    with FaultServer([Answer(text="ok")] * 3 + [Status(503)]) as server:
        with pytest.raises(ModelBusy, match="The last 50 rows failed, so the rest was not asked"):
            chatnb.over(frame, "{n}", settings=settings_of(tmp_path, server, parallel=1), answers=tmp_path / "answers")
        asks = len(server.chats)
    kept = (tmp_path / "answers").read_bytes().count(b"\n")

    table = chatnb.over(frame[:60], "{n}", settings=settings_of(tmp_path, echo), answers=tmp_path / "answers")

    assert (kept, asks < 100) == (3, True)
    assert table["error"].null_count() == 60


def test_what_is_not_to_be_kept_leaves_nothing(echo: EchoServer, tmp_path: Path) -> None:
    home = tmp_path / "home"
    chatnb.over(pl.DataFrame({"n": [1]}), "{n}", settings=settings_of(home, echo, save=False))

    assert not home.exists()


@pytest.mark.parametrize(
    ("frame", "options", "says"),
    [
        (pl.DataFrame({"text": ["a"], "answer": ["b"]}), {}, "has a column 'answer' already"),
        (pl.DataFrame({"text": ["a"]}), {"key": "id"}, "The key 'id' is no column"),
        (pd.DataFrame([["a", "b"]], columns=["text", "text"]), {}, "Columns of one name cannot be told apart"),
        (pl.LazyFrame({"text": ["a"]}), {}, "one that is lazy has to be collected first"),
        ([{"text": "a"}], {}, "A list has no rows that can be asked about"),
    ],
)
def test_what_cannot_be_asked_about_is_told_before_anything_is_asked(
    frame: Any, options: dict[str, Any], says: str, tmp_path: Path
) -> None:
    with pytest.raises(SettingsError) as caught:
        chatnb.over(frame, "{text}", settings=Settings(model="tinychat", home=str(tmp_path)), **options)

    assert says in str(caught.value)


KILLED = """
import sys, polars, chatnb
from chatnb.settings import Settings
model, home, rows = sys.argv[1:]
table = chatnb.over(
    polars.DataFrame({"n": range(int(rows))}), "Row {n}",
    settings=Settings(model=model, home=home, rules=False), answers=f"{home}/answers",
)
table.write_parquet(f"{home}/table.parquet")
"""


@pytest.mark.timeout(300)  # 2,000 rows, with four starts of the interpreter
def test_two_thousand_rows_killed_three_times_are_all_answered_and_none_is_asked_again(
    echo: EchoServer, tmp_path: Path
) -> None:
    path, total = tmp_path / "answers", 2_000
    command = [sys.executable, "-c", KILLED, settings_of(tmp_path, echo).model, str(tmp_path), str(total)]
    asked_before, answered_by_then = 0, list[set[str]]()
    for enough in (300, 900, 1_500):
        with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL) as process:
            while not path.exists() or path.read_bytes().count(b"\n") < enough:
                assert process.poll() is None
                time.sleep(0.01)
            process.kill()
        with Checkpoint(path) as kept:
            answered = {each.text for each in kept}
        assert answered_by_then == [] or answered > answered_by_then[-1]
        answered_by_then.append(answered)
        asked_before = len(echo.asked)
    subprocess.run(command, cwd=ROOT, check=True, stderr=subprocess.DEVNULL)

    table = pl.read_parquet(tmp_path / "table.parquet")
    assert table["answer"].to_list() == [f"Row {n}" for n in range(total)]
    lines = [json.loads(line)["text"] for line in path.read_text().splitlines() if line.endswith("}")]
    assert Counter(lines) == Counter(f"Row {n}" for n in range(total))
    assert not answered_by_then[-1] & set(echo.asked[asked_before:])
    asked_twice = sum(count - 1 for count in Counter(echo.asked).values())
    assert asked_twice <= 3 * 4  # those whose answers were on their way when the process died


def test_the_console_asks_about_the_rows_of_a_file(
    echo: EchoServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CHATNB_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    chatnb.config.ChatConfig.clear_instance()
    pl.DataFrame({"text": ["a", "b"]}).write_csv("rows.csv")

    code = main(["over", "-m", settings_of(tmp_path, echo).model, "--no-save", "rows.csv", "Say {text}"])

    assert code == 0
    assert Path("rows.answers.csv").read_text() == "text,answer,error\na,Say a,\nb,Say b,\n"
    out, err = capsys.readouterr()
    assert out == "rows.answers.csv\n"
    assert err.startswith("2 of 2 rows · ")


def test_the_console_writes_what_the_suffix_names_and_takes_context_along(
    echo: EchoServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHATNB_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    chatnb.config.ChatConfig.clear_instance()
    Path("rows.ndjson").write_text('{"text": "a", "tags": ["b"]}\n')
    Path("guide.md").write_text("Be kind.")
    command = ["over", "-m", settings_of(tmp_path, echo).model, "-c", "file:guide.md", "rows.ndjson", "Say {text}"]

    assert main([*command, "--into", "told.csv"]) == 0
    assert main([*command, "--into", "told.jsonl"]) == 0
    assert main([*command, "--into", "no/told.jsonl"]) == 2

    assert Path("told.csv").read_text().splitlines()[0] == "text,tags,answer,error"
    assert json.loads(Path("told.jsonl").read_text())["tags"] == ["b"]
    assert len(echo.chats) == 1
    assert "Be kind." in echo.chats[0].messages[-1]["content"]
