"""Run the tools that a model calls, each on its thread and after a yes, and give back text whatever happens."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextvars
import inspect
import threading
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

from ..errors import SettingsError, ToolsGoOn
from ..messages import Image, ToolCall, ToolResult, ToolSpec
from .approval import Approval
from .long_results import READER, RESULT_CHARACTERS, LongResults
from .outcome import Outcome, as_outcome
from .tool import Tool, tool_of

T = TypeVar("T")

OnKernel = Callable[[Callable[[], Any]], Awaitable[Any]]
"""Runs a function on the kernel thread: `Portal.on_kernel`."""

MOST_CALLS = 100
"""Calls of one answer that are run; a model in a circle may write any number, and each takes a thread, or asks."""

_STOPPING_S = 0.1  # whoever pressed stop wants the cell back, not what a tool has to tidy up


class Toolbox:
    """Tools, and how they are run; fulfils `engine.Tools`.

    Parameters
    ----------
    tools
        Tools, or functions, decorated or not.
    on_kernel
        What runs the tools of the kernel thread; without it they fail.
    characters
        Upper limit of one result; a longer one loses its middle, and the model is told of `read_result`.
    approval
        Decides about each call; without it all are run.
    wholes
        Earlier results that had to be shortened, by the ids of their calls.
    is_tainted
        Whether the model has read text of strangers before.
    notes
        What the user is to be told of these tools, in sentences.

    Raises
    ------
    SettingsError
        If two tools have the same name.
    """

    def __init__(
        self,
        tools: Iterable[Tool | Callable[..., Any]] = (),
        on_kernel: OnKernel | None = None,
        characters: int = RESULT_CHARACTERS,
        approval: Approval | None = None,
        wholes: Mapping[str, str] | None = None,
        *,
        is_tainted: bool = False,
        notes: Sequence[str] = (),
    ) -> None:
        self.notes = notes
        self._tools: dict[str, Tool] = {}
        self._on_kernel = on_kernel
        self._approval = approval
        self._long = LongResults(characters, wholes)
        self._is_tainted = is_tainted
        self._networked: set[str] = set()  # calls whose results may come from the network
        self._left: set[asyncio.Task[ToolResult]] = set()  # that were cancelled and have not ended; the loop holds none
        for each in tools:
            tool = each if isinstance(each, Tool) else tool_of(each) or Tool.of(each)
            if self._tools.setdefault(tool.spec.name, tool) is not tool:
                raise SettingsError(f'Two tools are called {tool.spec.name}. Rename one: @chatnb.tool(name="...")')

    @classmethod
    def of_namespace(cls, namespace: Mapping[str, Any], on_kernel: OnKernel | None = None) -> Toolbox:
        """Return the functions of a user's namespace that `@tool` has decorated, as they are now.

        Names with an underscore are left out: IPython keeps earlier outputs, and so earlier functions, in `_` and `_12`.
        Of two with the same name the one that goes by its own name wins.
        """
        found: dict[str, Tool] = {}
        for name, value in tuple(namespace.items()):
            tool = None if name.startswith("_") else tool_of(value)
            if tool and (tool.spec.name not in found or name == getattr(value, "__name__", "")):
                found[tool.spec.name] = tool
        return cls(found.values(), on_kernel)

    @property
    def specs(self) -> tuple[ToolSpec, ...]:
        """What the model is told of them; of the reader of long results once there is one."""
        reader = self._long.reader if self._tools else None
        return tuple(tool.spec for tool in (*self._tools.values(), reader) if tool)

    @property
    def are_foreign(self) -> bool:
        """Whether results may hold what others wrote: all of tools that do more than compute."""
        return any(tool.effects for tool in self._tools.values())

    @property
    def tools(self) -> tuple[Tool, ...]:
        """The tools themselves."""
        return tuple(self._tools.values())

    async def run(self, calls: Sequence[ToolCall]) -> AsyncGenerator[ToolResult]:
        """Run all calls side by side and yield their results as they come.

        A failure is a result. Closing it cancels asynchronous tools and waits a moment for them; a thread cannot be
        stopped, so what runs on one goes on, and nobody waits for it.

        Raises
        ------
        ToolsGoOn
            If it is cancelled, and something goes on.
        """
        on_threads: list[str] = []
        for call in calls[MOST_CALLS:]:
            why = f"not run, since there were {len(calls):,} calls in one answer and at most {MOST_CALLS} are run."
            yield ToolResult(call.id, call.name, f"Error: {why}", is_error=True)
        calls = calls[:MOST_CALLS]
        order = asyncio.Lock()
        tasks = [asyncio.create_task(self._result(call, order, on_threads), name=f"tool {call.name}") for call in calls]
        try:
            for done in asyncio.as_completed(tasks):
                yield await done
        except asyncio.CancelledError as error:
            if goes_on := await self._stop(tasks, calls, on_threads):
                raise ToolsGoOn(goes_on) from error
            raise
        finally:
            await self._stop(tasks, calls, on_threads)

    async def _stop(
        self, tasks: Sequence[asyncio.Task[ToolResult]], calls: Sequence[ToolCall], on_threads: Sequence[str]
    ) -> str:
        """Cancel what runs, wait a moment for its end, and say in a sentence or two what goes on."""
        running = {
            task: call.name
            for task, call in zip(tasks, calls, strict=True)
            if not task.done() and task not in self._left  # what tidies up is not cancelled again
        }
        if not running:
            return ""
        for task in running:
            task.cancel()
        _, left = await asyncio.wait(running, timeout=_STOPPING_S)
        self._left |= left
        for task in left:
            task.add_done_callback(self._left.discard)
        return " ".join(
            sentence.format(", ".join(dict.fromkeys(names)))
            for sentence, names in (
                ("A thread cannot be stopped, so this goes on: {}.", on_threads),
                ("This has not ended yet: {}.", [running[task] for task in running if task in left]),
            )
            if names
        )

    async def _result(self, call: ToolCall, order: asyncio.Lock, on_threads: list[str]) -> ToolResult:
        """Return what comes of a call; one that is cancelled while it runs on a thread is added to those."""
        began_s = time.perf_counter()
        is_error, is_foreign = True, False
        images: tuple[Image, ...] = ()
        try:
            tool, arguments = await self._allowed(call, order)
            is_foreign = bool(tool.effects) or tool.spec.name == READER
            outcome = await self._outcome(call, tool, arguments, on_threads)
            text, images, is_error = outcome.text, outcome.images, False
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            text = _told(error)  # nobody cancelled us: it is the tool's own
        except BaseException as error:  # noqa: BLE001 - the model reads it
            # SystemExit and KeyboardInterrupt would end the event loop of all, GeneratorExit the turn.
            text = _told(error)
        text, whole = self._long.cut(call.id, text)
        duration_s = time.perf_counter() - began_s
        is_networked = call.id in self._networked
        return ToolResult(call.id, call.name, text, is_error, duration_s, whole, is_foreign, is_networked, images)

    async def _allowed(self, call: ToolCall, order: asyncio.Lock) -> tuple[Tool, Mapping[str, Any]]:
        """Return the tool and the arguments of a call that may be made; raises whatever is told to the model else."""
        reader = self._long.reader if call.name == READER else None
        tool = reader or self._tools.get(call.name)
        if tool is None:
            raise LookupError(f"There is no tool {call.name!r}. There are: {', '.join(self._tools)}.")
        try:
            arguments = tool.check(call.arguments)
        except ValueError as error:
            raise ValueError(f"The arguments do not fit. {error}") from error
        if self._approval is not None:

            async def preview() -> str:
                return await self._on(tool, partial(tool.preview, arguments)) if tool.preview else ""

            is_tainted = self._is_tainted or bool(self._networked)
            await self._approval.check(tool, call, arguments, preview, is_tainted=is_tainted, order=order)
        return tool, arguments

    async def _outcome(
        self, call: ToolCall, tool: Tool, arguments: Mapping[str, Any], on_threads: list[str]
    ) -> Outcome:
        try:
            async with asyncio.timeout(tool.time_limit_s) as limit:
                return await self._run(tool, arguments)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if tool.where == "worker" and task is not None and task.cancelling():
                on_threads.append(call.name)
            raise
        except TimeoutError as error:
            if not limit.expired():
                raise  # the tool's own
            goes_on = "" if inspect.iscoroutinefunction(tool.function) else " It cannot be stopped and goes on."
            raise TimeoutError(f"{tool.spec.name} took longer than {tool.time_limit_s:g} s.{goes_on}") from error
        finally:
            if tool.is_networked or "network" in tool.effects:
                self._networked.add(call.id)  # an error may quote what was read, too

    async def _run(self, tool: Tool, arguments: Mapping[str, Any]) -> Outcome:
        """Call a tool's function on its thread."""
        if inspect.iscoroutinefunction(tool.function):
            return as_outcome(await tool.function(**arguments))

        # The result's own methods belong to that thread, too.
        return await self._on(tool, lambda: as_outcome(tool.function(**arguments)))

    async def _on(self, tool: Tool, function: Callable[[], T]) -> T:
        """Call a function on the thread that a tool runs on."""
        match tool.where:
            case "loop":
                return function()
            case "worker":
                return await _in_thread(function, f"tool {tool.spec.name}")
            case "kernel":
                if self._on_kernel is None:
                    raise SettingsError("This tool runs on the kernel's thread, and there is no kernel here.")
                done: T = await self._on_kernel(function)
                return done


async def _in_thread(function: Callable[[], T], name: str) -> T:
    """Run a function on a thread of its own.

    Not on asyncio's workers: a few tools that hang would keep the store, which needs one of them, from saving, and the
    process from ending.
    """
    future: concurrent.futures.Future[Callable[[], T]] = concurrent.futures.Future()
    context = contextvars.copy_context()

    def run() -> None:
        try:
            result = context.run(function)
        except BaseException as error:  # noqa: BLE001 - whatever it is belongs to whoever waits
            outcome: Callable[[], T] = partial(_throw, error)
        else:
            outcome = lambda: result  # noqa: E731
        if future.set_running_or_notify_cancel():
            future.set_result(outcome)

    threading.Thread(target=run, name=name, daemon=True).start()
    return (await asyncio.wrap_future(future))()


def _throw(error: BaseException) -> Any:
    raise error


def _told(error: BaseException) -> str:
    # In words: servers pass the text of a result on to the model, and no sign that it is an error.
    try:
        return f"Error: {type(error).__name__}: {error}"
    except Exception:  # noqa: BLE001 - the error's own `__str__` may raise anything
        return f"Error: {type(error).__name__}"
