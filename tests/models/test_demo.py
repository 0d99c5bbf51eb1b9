"""The built-in demonstration."""

import json

import pytest

from chatnb.errors import ModelNotFound, ModelRefused
from chatnb.models.base import Provider, Request
from chatnb.models.demo import DemoModel, ScriptedProvider, answer
from tests.models.asking import asking, folded, heard, message
from tests.models.clock import in_no_time


def asked(*questions: str) -> Request:
    """Return a request after earlier questions."""
    return Request(tuple(message("user", question) for question in questions))


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("What does this error mean: KeyError: 'price'?", "there is **no** `'price'` in it"),
        ("Who are you?", "not a language model"),
        ("Are you a real model?", "not a language model"),
        ("Show me an example in Python", "```python"),
        ("hello", "a script, not a model"),
        ("How do I install Ollama?", "https://ollama.com/download"),
        ("What is the meaning of life?", "a script and not a model"),
        ("", "a script and not a model"),
    ],
)
def test_it_answers_a_few_things_and_says_what_it_is(question: str, words: str) -> None:
    assert words in answer(asking(question))


def test_it_remembers_the_question_before() -> None:
    said = answer(asked("Hello", "What is 2 + 2?\nExactly.", "What did I ask before?"))

    assert "> What is 2 + 2?" in said
    assert "question 2 of this session" in said


def test_it_knows_that_there_was_no_question_before() -> None:
    assert "first question" in answer(asked("What did I ask?"))


def test_a_schema_gets_json_that_fits() -> None:
    schema = {
        "type": "object",
        "properties": {
            "city": {"type": "string"},
            "people": {"type": "integer"},
            "is_large": {"type": "boolean"},
            "rivers": {"type": "array", "items": {"type": "string"}},
            "mood": {"enum": ["calm", "wild"]},
        },
    }

    said = answer(Request((message("user", "Which city?"),), schema=schema))

    assert json.loads(said) == {"city": "demo", "people": 0, "is_large": False, "rivers": [], "mood": "calm"}


def test_the_same_question_gets_the_same_events_at_a_pace_that_can_be_read() -> None:
    first = in_no_time(heard(DemoModel(), asking("Hello")))
    second = in_no_time(heard(DemoModel(), asking("Hello")))

    assert first == second
    assert folded(first).text == answer(asking("Hello"))


async def test_its_provider_has_this_one_model() -> None:
    provider: Provider = ScriptedProvider()

    names = [model.name for model in await provider.models()]

    assert names == ["demo"]
    assert provider.model("demo").name == "scripted:demo"
    assert (await provider.show("demo")).capabilities == ("completion", "tools")
    assert [model.name for model in await provider.loaded()] == ["demo"]
    with pytest.raises(ModelNotFound, match="scripted:demo"):
        provider.model("gpt")
    with pytest.raises(ModelRefused, match="Install Ollama"):
        await anext(provider.pull("qwen3:8b"))
