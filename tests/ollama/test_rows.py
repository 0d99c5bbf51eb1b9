"""Rows of a table that a real Ollama is asked about."""

import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest

from tests.ollama.server import OllamaServer

pytestmark = pytest.mark.ollama

ROOT = Path(__file__).parents[2]
CITIES = {"France": "Paris", "Germany": "Berlin", "Italy": "Rome", "Spain": "Madrid", "Japan": "Tokyo"}
ROWS = 100


def test_rows_killed_half_way_are_all_answered(ollama_server: OllamaServer, tmp_path: Path) -> None:
    """See tests/benchmarks/over.py for two thousand."""
    countries = [country for _ in range(ROWS // len(CITIES)) for country in CITIES]
    pl.DataFrame({"country": countries, "id": range(ROWS)}).write_csv(tmp_path / "rows.csv")
    command = [sys.executable, "-m", "chatnb", "over", "-m", f"tinychat@{ollama_server.url}", "-o", "temperature=0"]
    command += ["--key", "id", "--answers", "answers.jsonl", "rows.csv", "What is the capital of {country}?"]
    path = tmp_path / "answers.jsonl"
    env = {"CHATNB_HOME": str(tmp_path), "PYTHONPATH": str(ROOT), "PATH": ""}
    with subprocess.Popen(command, cwd=tmp_path, env=env, stderr=subprocess.DEVNULL) as process:
        while not path.exists() or path.read_bytes().count(b"\n") < ROWS // 3:
            assert process.poll() is None
            time.sleep(0.01)
        process.kill()

    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=True)

    table = pl.read_csv(tmp_path / "rows.answers.csv")
    assert table["answer"].to_list() == [f"The capital of {country} is {CITIES[country]}." for country in countries]
    assert len([line for line in path.read_text().splitlines() if line.endswith("}")]) == ROWS
    assert "100 of 100 rows" in done.stderr
    assert " were kept · " in done.stderr
