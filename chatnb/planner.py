"""Plan what one question sends: to which model, with which window, and what of all that could be read.

What was learned of a model stays for the next question: the window that it is loaded with, how large a window its
server has memory for, and how its tokens are counted.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from . import prompt
from .calibrations import Calibrations
from .context.rules import Rules, read_rules
from .engine import Tools
from .errors import SettingsError
from .events import Asked, Truncated
from .masking import Mask
from .messages import Json, Message, Session, ToolCall, Usage
from .models import masked
from .models.base import Model, ModelInfo, Request
from .models.catalog import Catalog
from .models.envelope import spelled_out
from .models.masked import MaskedModel
from .settings import Settings
from .sight import BlindTools, is_blind, seen_by, unseen
from .tokens import Calibration
from .truncation import unread

RESULTS_TOKENS = 8_192
"""Room in the window for what tools give back: about three results of the greatest length."""

FALLBACK_WINDOW = 8_192
"""Where there is no memory for a larger window, a smaller one is tried on the same model; where there is none for one of at
most this size, the next model is asked before that: little of a conversation would be left."""

CEILING_S = 600.0
"""So long a window for which there was no memory is not asked for again: by then another program may have ended."""

LEAST_WINDOW = 2_048
"""Below this a window is not made smaller for want of memory: there would be no conversation."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One question with all that shapes its answer.

    Attributes
    ----------
    fit
        A window of at least so many tokens that holds everything, as far as the model itself can and whatever the
        settings say; 0: as they say.
    notes
        What is to be told of the things that the question carries along.
    calls
        What is called before the model is asked.
    """

    question: Message
    session: Session
    settings: Settings
    schema: Mapping[str, Json] | None = None
    tools: Tools | None = None
    fit: int = 0
    notes: tuple[str, ...] = ()
    calls: tuple[ToolCall, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """What a question sends.

    Attributes
    ----------
    asked
        How it is told.
    prompt
        What the window holds, item by item, and what stayed behind.
    request
        What the model is asked.
    read
        What it reads of that: the same, or placeholders in place of secrets, and tools in words if it calls none by itself.
    tools
        What the model may call.
    calls
        What is called before it is asked, as it would have called it: without secrets that are hidden from it.
    """

    ask: Ask
    model: Model
    asked: Asked
    prompt: prompt.Prompt
    request: Request
    read: Request
    tools: Tools | None
    calls: tuple[ToolCall, ...]
    calibration: Calibration


class Planner:
    """Makes plans; lives on one event loop.

    Parameters
    ----------
    model
        Who is asked, whatever the settings say; None leaves it to them.
    place
        The notebook's path or its folder: where the project's rules are looked for.
    calibrations
        What is known of how models count, and is kept for the next kernel.
    clock
        Seconds from any moment on.
    """

    def __init__(
        self,
        catalog: Catalog,
        model: Model | None = None,
        place: str = "",
        calibrations: Calibrations | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._catalog, self._model, self._place = catalog, model, place
        self._windows: dict[str, int] = {}  # num_ctx that each model was asked with last
        self._ceilings: dict[str, tuple[int, float]] = {}  # largest num_ctx that there is memory for, and since when
        self._clock = clock
        self._calibrations = calibrations or Calibrations()
        self._mask: Mask | None = None  # until secrets are hidden: what finds them is an extra

    async def plan(self, ask: Ask, history: Sequence[Message]) -> Plan:
        """Return what `ask` sends, after `history`.

        Raises
        ------
        ModelError
            If the server has to be asked for its first model and cannot tell.
        SettingsError
            If an option cannot be.
        """
        settings = ask.settings
        model, is_masked = await self._model_for(settings)
        info = await self._catalog.info(model.name, settings) if self._model is None else None
        specs = ask.tools.specs if ask.tools else ()
        in_words = await self._reads_words(model.name, settings)
        (question, *earlier), blind = seen_by(info, (ask.question, *history))
        tools = BlindTools(ask.tools) if ask.tools and is_blind(info) else ask.tools
        # In one go: each way to a thread and back costs as much as what is read there.
        rules, calibration = await asyncio.to_thread(self._read, model.name, settings)
        said = settings.system or ask.session.system
        at_most = self._at_most(ask, model, info)
        is_fixed = info is not None and info.has_fixed_window
        is_unknown = info is not None and is_fixed and not (info.context_length or _chosen_window(ask))
        composed = prompt.compose(
            question,
            earlier,
            system="\n\n".join(filter(None, (said, rules.text if rules else ""))),
            tools=specs,
            in_words=in_words,
            is_foreign=ask.tools is not None and ask.tools.are_foreign,
            limit=settings.history,
            answer_tokens=_answer_tokens(settings) or prompt.ANSWER_TOKENS,
            spare_tokens=RESULTS_TOKENS if specs else 0,
            num_ctx=_chosen_window(ask) or (at_most if is_fixed else None),
            # Another window would make the server load the model anew.
            at_least=max(ask.fit, self._windows.get(model.name, 0)),
            at_most=at_most,
            hidden=ask.session.hidden,
            calibration=calibration,
        )
        if blind:
            *items, asks = composed.items
            composed = replace(composed, items=(*items, *unseen(ask.question, model.name), asks))
        # In the order in which Jupyter saves them: a session comes back from its notebook byte for byte.
        options = dict(sorted({**settings.options, "num_ctx": composed.num_ctx}.items()))
        if is_fixed:  # nobody is asked for it, so it is not told either, and no count is held against it
            del options["num_ctx"]
        request = read = Request(
            messages=composed.messages,
            tools=specs,
            options=options,
            think=settings.think,
            schema=ask.schema,
            keep_alive=settings.keep_alive,
            may_shrink=composed.num_ctx > FALLBACK_WINDOW and not is_fixed and not _chosen_window(ask),
        )
        secrets, calls = [], ask.calls
        if is_masked:
            self._mask = self._mask or Mask()
            model = MaskedModel(model, self._mask)
            read, found = await model.hidden(request)
            calls = await model.hidden_calls(calls)
            secrets = [f"Placeholders are sent in place of {', '.join(found)}."] if found else []
        asked = Asked(
            ask.question,
            model.name,
            options,
            None if is_unknown else composed.num_ctx,
            composed.left_out,
            notes=(*ask.notes, *(rules.notes if rules else ()), *blind, *composed.notes, *secrets),
            tokens=composed.tokens,
        )
        read = spelled_out(read) if in_words else read
        return Plan(ask, model, asked, composed, request, read, tools, calls, calibration)

    def accept(self, plan: Plan) -> None:
        """Note that the plan's model is asked, so that its next question keeps the window."""
        self._windows[plan.model.name] = plan.prompt.num_ctx

    def shrink(self, plan: Plan) -> bool:
        """Note that there is no memory for the plan's window; return whether a smaller one is worth a try."""
        smaller = plan.prompt.num_ctx // 2
        if smaller < LEAST_WINDOW or _chosen_window(plan.ask) or "num_ctx" not in plan.request.options:
            return False
        self._ceilings[plan.model.name] = smaller, self._clock()
        self._windows.pop(plan.model.name, None)
        return True

    async def check(self, plan: Plan, usage: Usage, said: Sequence[Message] = ()) -> Truncated | None:
        """Tell whether the server left some of the prompt unread; learn from its count where it did not.

        To be asked whenever an answer to the plan has been counted.

        Parameters
        ----------
        said
            What the model had called by then, and what that gave back: it read this behind the question.
        """
        if not usage.prompt_tokens:
            return None
        self.accept(plan)  # another model may have answered than was asked first
        name, request = plan.model.name, replace(plan.request, messages=(*plan.request.messages, *said))
        if await self._reads_words(name, plan.ask.settings):
            request = spelled_out(request)
        calibration = await asyncio.to_thread(self._calibrations.get, name)
        dropped = await unread(plan.model, request, usage.prompt_tokens, calibration)
        if dropped is not None:
            return Truncated(usage.prompt_tokens + dropped, usage.prompt_tokens)
        learned = calibration.learn(request.messages, usage.prompt_tokens, request.tools)
        await asyncio.to_thread(self._calibrations.put, name, learned, save=plan.ask.settings.save)
        return None

    async def _model_for(self, settings: Settings) -> tuple[Model, bool]:
        """Return who is asked, and whether secrets are to be hidden from it."""
        if self._model is not None:
            return self._model, settings.secrets == "always"
        model = await self._catalog.model(settings)
        return model, await masked.is_masked(settings.models or (model.name,), settings, self._catalog)

    async def _reads_words(self, name: str, settings: Settings) -> bool:
        """Return whether a model gets tools in words, since it calls none by itself."""
        return self._model is None and not await self._catalog.calls_tools(name, settings)

    def _read(self, name: str, settings: Settings) -> tuple[Rules | None, Calibration]:
        """Return the project's rules, and what is known of how a model counts; blocks for as long as small files take."""
        rules = read_rules(self._place or ".") if settings.rules else None
        return rules, self._calibrations.get(name)

    def _at_most(self, ask: Ask, model: Model, info: ModelInfo | None) -> int:
        """Return the largest window that may be asked for."""
        own = info.context_length if info else None
        most = prompt.CONTEXT_STEPS[-1] if ask.fit else ask.settings.max_context
        ceiling, since = self._ceilings.get(model.name, (0, 0.0))
        if self._clock() - since > CEILING_S:
            ceiling = 0
        return min(filter(None, (most, own, ceiling)))


def fitting_window(turn: Sequence[Message]) -> int:
    """Return how large a window has to be, in tokens, for what the server did not read whole in a turn; 0 if it did.

    What it dropped is known only as far as the estimate is right, and that was too low: so at least twice the window.
    """
    windows = [0]
    for usage, num_ctx in ((message.usage, message.options.get("num_ctx", 0)) for message in turn):
        if usage is not None and usage.unread_tokens is not None:
            windows += [2 * num_ctx, (usage.prompt_tokens or 0) + usage.unread_tokens + prompt.ANSWER_TOKENS]
    return max(windows)


def _chosen_window(ask: Ask) -> int | None:
    """Return the window that the user has chosen, if they have."""
    return None if ask.fit else _whole(ask.settings, "num_ctx")


def _answer_tokens(settings: Settings) -> int:
    """Return the limit of the answer, by the name of Ollama or of OpenAI's protocol; 0 if there is none."""
    limits = [_whole(settings, name) or 0 for name in ("num_predict", "max_completion_tokens", "max_tokens")]
    return max(*limits, 0)


def _whole(settings: Settings, name: str) -> int | None:
    """Return an option that has to be a whole number, where it is given."""
    value = settings.options.get(name)
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    raise SettingsError(f"The option {name} is {value!r}, but it has to be a whole number.")
