"""What Ollama's failures mean; that each is met on a real wire is shown in tests/faults."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from chatnb.errors import ModelBroken, ModelBusy, ModelError, ModelNotFound, ModelRefused, ModelTooLarge
from chatnb.models.ollama_errors import broken_off, not_found, of_message, of_pull, of_status

HOST = "http://lab:11434"


def of(status: int, text: str, **headers: str) -> ModelError:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return of_status(status, text, named, address=HOST, model="tinychat")


@pytest.mark.parametrize(
    ("status", "text", "kind", "says"),
    [
        (400, '{"error": "tinychat does not support tools"}', ModelRefused, "cannot use tools"),
        (400, '{"error": "\\"tinychat\\" does not support thinking"}', ModelRefused, "--no-think"),
        (400, '{"error": "invalid options: temprature"}', ModelRefused, "invalid options: temprature"),
        (401, '{"error": "unauthorized"}', ModelRefused, "OLLAMA_API_KEY"),
        (403, "", ModelRefused, "403: forbidden"),
        (
            404,
            '{"error": "model \\"tinychat\\" not found, try pulling it first"}',
            ModelNotFound,
            "%chat pull tinychat",
        ),
        (404, '{"error": {"message": "model tinychat not found"}}', ModelNotFound, "%chat pull tinychat"),
        (404, "404 page not found", ModelRefused, "is not Ollama"),
        (405, "", ModelRefused, "is not Ollama"),
        (413, "", ModelRefused, "413"),
        (429, '{"error": "too many requests"}', ModelBusy, "busy"),
        (503, "server busy, please try again.", ModelBusy, "busy"),
        (500, '{"error": "llama runner process has terminated"}', ModelBroken, "500: llama runner"),
        (502, "<html><body>Bad Gateway</body></html>", ModelBroken, "502: bad gateway"),
        (500, '{"error": "model requires more system memory (9.3 GiB) than is available"}', ModelTooLarge, "smaller"),
        (500, '{"error": "cudaMalloc failed: out of memory"}', ModelTooLarge, "smaller"),
        (599, "{}", ModelBroken, "599"),
    ],
)
def test_each_status_has_its_error_which_says_what_to_do(
    status: int, text: str, kind: type[ModelError], says: str
) -> None:
    error = of(status, text)

    assert type(error) is kind
    assert says in str(error)
    assert len(str(error).splitlines()) >= 2  # what happened, and what to do


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("7", 7.0), ("0", 0.0), ("1.5", 1.5), ("soon", None), ("-3", None), ("", None)],
)
def test_the_time_to_come_back_is_read(header: str, seconds: float | None) -> None:
    error = of(429, "", retry_after=header)

    assert isinstance(error, ModelBusy)
    assert error.retry_after_s == seconds


def test_the_time_to_come_back_may_be_a_date() -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    earlier = format_datetime(datetime.now(UTC) - timedelta(seconds=90), usegmt=True)

    first, second = of(503, "", retry_after=later), of(503, "", retry_after=earlier)

    assert isinstance(first, ModelBusy)
    assert first.retry_after_s == pytest.approx(90, abs=10)
    assert isinstance(second, ModelBusy)
    assert second.retry_after_s == 0.0


def test_a_model_that_is_not_there_names_the_nearest_and_a_dozen_others() -> None:
    names = [f"model{number}:latest" for number in range(20)] + ["qwen3:8b"]

    text = str(not_found("qwen3", HOST, names))

    assert "Did you mean qwen3:8b?" in text
    assert "model0, model1, " in text
    assert "and 9 more (`%chat models`)" in text
    assert "latest" not in text


def test_a_model_that_resembles_none_gets_no_wrong_advice() -> None:
    assert "Did you mean" not in str(not_found("zzz", HOST, ["qwen3:8b"]))


def test_a_line_in_mid_stream_may_be_about_memory() -> None:
    assert isinstance(of_message("CUDA error: out of memory", address=HOST, model="m"), ModelTooLarge)
    assert isinstance(of_message("unexpected EOF", address=HOST, model="m"), ModelBroken)


@pytest.mark.parametrize(
    ("said", "says"),
    [
        ("pull model manifest: file does not exist", "no model"),
        ("pull model manifest: Get ...: dial tcp: lookup registry.ollama.ai: no such host", "library"),
        ("write /root/.ollama: no space left on device", "disk"),
        ("EOF", "goes on where it ended"),
    ],
)
def test_a_failed_download_says_what_to_do(said: str, says: str) -> None:
    assert says in str(of_pull(said, "tinychat", HOST))


def test_a_key_that_the_server_repeats_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_API_KEY", "4f2a9c81/d3e7zqvx")

    errors = [
        of(401, '{"error": "unknown key 4f2a9c81\\/d3e7zqvx"}'),
        of_message("the key 4f2a9c81/d3e7zqvx has no credit", address=HOST, model="tinychat"),
        broken_off(HOST, "it sent 4f2a9c81/d3e7zqvx"),
    ]

    assert all("…" in str(error) for error in errors)
    assert not any("zqvx" in str(error) for error in errors)
