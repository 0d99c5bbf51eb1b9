"""Ask what is planned, with as large a window as the server has memory for."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing

from .engine import answer
from .errors import ModelTooLarge
from .events import Event, Retrying, TokensCounted, ToolFinished
from .messages import Message
from .planner import Ask, Plan, Planner
from .reply import Reply


async def attempt(
    planner: Planner, ask: Ask, history: Sequence[Message] = (), note: Callable[[Plan], object] = lambda _: None
) -> AsyncGenerator[Event]:
    """Yield what the models make of a question, but for its end.

    Parameters
    ----------
    note
        Told each plan before it is asked.

    Raises
    ------
    ModelError
        If none could answer.
    """
    while True:
        plan = await planner.plan(ask, history)
        note(plan)
        planner.accept(plan)
        yield plan.asked
        told = Reply([plan.asked])
        said: Sequence[Message] = ()  # in the rounds so far, with what tools gave back
        is_counted = False
        try:
            rounds = ask.settings.tool_rounds
            async with aclosing(answer(plan.model, plan.request, plan.tools, rounds, plan.calls)) as events:
                async for event in events:
                    yield event
                    told.add(event)
                    match event:
                        case TokensCounted(usage):
                            is_counted = True
                            if truncated := await planner.check(plan, usage, said):
                                yield truncated
                        case ToolFinished():
                            said = told.messages()
        except ModelTooLarge:
            # No tool is run twice.
            if is_counted or said or not planner.shrink(plan):
                raise
            reason = f"there is no memory for a window of {plan.prompt.num_ctx:,} tokens"
            yield Retrying(plan.model.name, 2, 2, 0.0, reason)
        else:
            return
