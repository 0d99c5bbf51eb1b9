"""Old turns become a summary, in pieces that fit, and nothing is kept where the model fails."""

from collections.abc import Sequence

import pytest

from chatnb.compaction import summary_message, summary_of
from chatnb.errors import ModelBroken, ModelUnreachable
from chatnb.messages import Context, Message, Summary
from chatnb.models.scripted import ScriptedModel
from chatnb.tokens import UNCALIBRATED
from tests.talk import question, reply_to, turns


async def summarised(
    model: ScriptedModel, history: Sequence[Message], num_ctx: int = 8_192, hidden: Sequence[str] = ()
) -> Message:
    options = {"num_ctx": num_ctx, "seed": 1}
    return await summary_of(model, history, hidden=hidden, options=options, num_ctx=num_ctx, calibration=UNCALIBRATED)


async def test_a_summary_stands_for_everything_up_to_a_message() -> None:
    model = ScriptedModel([" They spoke", " of numbers. "])
    history = turns(3)

    message = await summarised(model, history[:4])

    assert message.parts == (Summary("They spoke of numbers.", history[3].id),)
    [request] = model.requests
    assert "Question 2" in request.messages[0].text
    assert "Question 3" not in request.messages[0].text
    assert request.options["num_ctx"] == 8_192


async def test_what_is_longer_than_the_window_is_read_in_pieces_with_what_came_before() -> None:
    model = ScriptedModel(["Part one."], ["Part two."])
    history = turns(8, text="two words, " * 300)

    message = await summarised(model, history, num_ctx=4_096)

    texts = [request.messages[0].text for request in model.requests]
    assert len(texts) > 2
    assert all(len(text) < 3 * 4_096 for text in texts)
    assert "Part one." in texts[1]
    assert "Question 1" in texts[0]
    assert [sum(f"Question {n}\n" in text for text in texts) for n in range(1, 9)] == [1] * 8
    assert message.parts == (Summary("Part two.", history[-1].id),)


async def test_an_earlier_summary_is_carried_on_and_context_is_named_only() -> None:
    model = ScriptedModel(["All of it."])
    asked = question("And now?", 9, Context.of("file big.csv", "1,2,3"))
    old = turns(2)
    summaries = [summary_message(text, old[-1]) for text in ("An older one.", "Before, it was about pears.")]
    history = [*old, *summaries, asked, reply_to(asked)]

    await summarised(model, history)

    text = model.requests[0].messages[0].text
    assert "about pears" in text
    assert "[shows file big.csv]" in text
    assert "1,2,3" not in text
    assert "older one" not in text
    assert "Question 1" not in text


async def test_what_is_hidden_is_not_summarised() -> None:
    model, history = ScriptedModel(["Short."]), turns(3)

    await summarised(model, history, hidden=[history[2].id])

    text = model.requests[0].messages[0].text
    assert "Question 1" in text
    assert "Question 2" not in text
    assert "Question 3" in text


@pytest.mark.parametrize(("script", "error"), [([], ModelBroken), ([ModelUnreachable("Gone.")], ModelUnreachable)])
async def test_a_model_that_gives_no_summary_is_an_error(script: list[object], error: type[Exception]) -> None:
    history = turns(1)

    with pytest.raises(error):
        await summarised(ScriptedModel(script), history)  # type: ignore[arg-type]
