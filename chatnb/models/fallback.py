"""Ask the next model when one cannot answer."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from ..errors import ModelBusy, ModelError, ModelTooLarge
from ..events import FellBack, ModelEvent
from .base import Model, Request
from .mending import Partial
from .retrying import first_line
from .wrapper import Wrapper


class FallbackModel(Wrapper):
    """Asks `models` in order until one answers, and begins with that one from then on.

    Any ModelError passes the question on, also a refused request or key: another model may be able to use tools, or
    live on another server. What was shown goes along where the next model can go on from it, else it is dropped. Only
    where a model has no memory for a window that may shrink, that is raised at once.

    Parameters
    ----------
    models
        The preferred one first; at least one. Each tries again by itself (retrying.py) before it gives up.
    """

    def __init__(self, models: Sequence[Model]) -> None:
        if not models:
            raise ValueError("A FallbackModel needs at least one model.")
        super().__init__(models[0])  # the one that is asked first now
        self._models = tuple(models)

    async def stream(self, request: Request) -> AsyncGenerator[ModelEvent]:
        """Yield the answer of the first model that has one.

        Raises
        ------
        ModelError
            If none has: the only model's own error, or one that gives each model's reason.
        """
        first = self._model
        answer = Partial(request)
        asked = request
        errors: list[tuple[Model, ModelError]] = []
        for model in [first, *(model for model in self._models if model is not first)]:
            if errors:
                failed, error = errors[-1]
                event = FellBack(
                    failed.name, model.name, first_line(error), keeps_text=model.can_continue and answer.can_go_on
                )
                answer.add(event)
                asked = answer.request()
                self._model = model
                yield event
            try:
                async with aclosing(model.stream(asked)) as events:
                    async for each in events:
                        answer.add(each)
                        yield each
            except ModelError as error:
                if isinstance(error, ModelTooLarge) and request.may_shrink:
                    raise
                errors.append((model, error))
            else:
                return
        self._model = first
        raise summed_up([(model.name, error) for model, error in errors], "models") from errors[0][1]


def summed_up(errors: Sequence[tuple[str, ModelError]], what: str) -> ModelError:
    """Return the only error, or one with the reason of each by its name; of the class that all share, if they do."""
    if len(errors) == 1:
        return errors[0][1]
    kinds = {type(error) for _, error in errors}
    kind = kinds.pop() if len(kinds) == 1 else ModelError
    reasons = "\n".join(f"- {name}: {error}".replace("\n", "\n  ") for name, error in errors)
    told = kind(f"None of the {len(errors)} {what} could answer.\n{reasons}")
    told.is_retryable = any(error.is_retryable for _, error in errors)
    if isinstance(told, ModelBusy):
        waits = [error.retry_after_s for _, error in errors if isinstance(error, ModelBusy)]
        told.retry_after_s = min((wait for wait in waits if wait is not None), default=None)
    return told
