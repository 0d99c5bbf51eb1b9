"""Ask many prompts side by side, and keep each answer as soon as it is there."""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace

from ..chat import Chat
from ..context.base import Reading
from ..errors import AnswerInvalid, ChatError, ModelError, named
from ..events import TokensCounted
from ..messages import Context, Image
from ..models.host import LIMIT
from ..planner import Ask
from ..reply import Reply
from ..schema import Schema
from ..settings import Settings, without_hosts
from .checkpoint import Checkpoint, Kept

GIVE_UP = 5
"""So many failures before the first answer, all alike, are no accident: the rest is not asked."""

LOST = 50
"""So many in a row that no server took, later on, are a server that is gone; fewer may be one that is started again."""

_GONE = ("ModelUnreachable", "ModelBusy")

READY = 2
"""So many times what the servers may have at once is planned: answers may end all at once, and no server is to wait."""

_UNREAD = (
    "The server did not read the whole prompt: it dropped at least {:,} tokens.\nAllow a larger window: -o num_ctx=..."
)


@dataclass(frozen=True, slots=True)
class Prompt:
    """One prompt; `key` names it and all that shapes its answer."""

    key: str
    text: str


@dataclass(frozen=True, slots=True)
class Progress:
    """How far it is.

    Attributes
    ----------
    total
        All prompts.
    kept
        Those that were answered, or had failed, earlier.
    asked
        Those that were asked now, well or not.
    failed
        Those of all that have no answer.
    seconds
        Since it began.
    prompt_tokens, reply_tokens
        Read and written for those that were asked now.
    price
        Of a million tokens, read and written, in any currency; nothing where nobody says.
    """

    total: int
    kept: int = 0
    asked: int = 0
    failed: int = 0
    seconds: float = 0.0
    prompt_tokens: int = 0
    reply_tokens: int = 0
    price: tuple[float, float] | None = None

    @property
    def left(self) -> int:
        """How many are still to be asked."""
        return self.total - self.kept - self.asked

    @property
    def left_s(self) -> float | None:
        """Seconds until the end, if the rest takes as long as what was asked; None until something was."""
        return self.seconds / self.asked * self.left if self.asked else None

    def cost(self, prompt_tokens: int, reply_tokens: int) -> float | None:
        """Return what so many tokens cost, or None if nobody says."""
        if self.price is None:
            return None
        read, written = self.price
        return (prompt_tokens * read + reply_tokens * written) / 1_000_000

    def in_all(self, tokens: int) -> int:
        """Return how many tokens it will be for all that is asked now, judged by those so far."""
        return round(tokens / self.asked * (self.asked + self.left)) if self.asked else 0


class Many:
    """One question of many prompts.

    Parameters
    ----------
    settings
        Those of the question; `parallel` bounds what each server has at once.
    schema
        What each answer has to fit.
    reading
        What every prompt carries along.
    """

    def __init__(
        self,
        chat: Chat,
        settings: Settings,
        schema: Schema | None = None,
        reading: Reading = Reading(),  # noqa: B008 - frozen
    ) -> None:
        # Rows have nothing to do with each other, and nobody is there to summarise for.
        self._settings = replace(settings, parallel=settings.parallel or LIMIT, history=0, compact=False)
        self._chat, self._schema, self._reading = chat, schema, reading
        self._session = chat.sessions.fresh("rows")

    async def prompts(self, texts: Iterable[str], names: Iterable[str] | None = None) -> tuple[Prompt, ...]:
        """Return the prompts of some texts.

        Parameters
        ----------
        names
            What the rows are called; by default a row is called by its text. Several of one name are told apart by
            their order, so that rows may be added, removed and moved between two runs.

        Raises
        ------
        ModelError
            If no model is named, and the server cannot tell its first.
        """
        texts = list(texts)
        plan = await self._chat.plan(self.question(texts[0]))
        # What a folder's rules add to the system prompt is known only there.
        system = "".join(message.text for message in plan.prompt.messages if message.role == "system")
        settings = replace(self._settings, model=self._settings.model or plan.model.name, system=system)
        shaping = shaping_of(settings, self._schema, self._reading)
        seen: Counter[str] = Counter()
        made = []
        for text, name in zip(texts, texts if names is None else names, strict=True):
            made.append(Prompt(digest([*shaping, text, name, seen[name]]), text))
            seen[name] += 1
        return tuple(made)

    async def ask(
        self,
        prompts: Sequence[Prompt],
        kept: Checkpoint,
        *,
        retry_failed: bool = False,
        price: tuple[float, float] | None = None,
    ) -> AsyncGenerator[Progress]:
        """Ask what is not answered yet, and yield how far it is: at the beginning, and after each answer.

        What fails is kept as failed, and asked again only with `retry_failed`.

        Raises
        ------
        ChatError
            Where the first `GIVE_UP` fail in the same way, or no server takes `LOST` in a row; that is not kept.
        """
        known = [(prompt, kept.get(prompt.key)) for prompt in prompts]
        todo = [p for p, found in known if found is None or (found.error and retry_failed)]
        old = [found for p, found in known if found is not None and not (found.error and retry_failed)]
        progress = Progress(len(prompts), len(old), failed=sum(bool(found.error) for found in old), price=price)
        yield progress
        began_s, held = time.monotonic(), _Held(kept, is_open=len(old) > progress.failed)
        answers: asyncio.Queue[Kept | Exception] = asyncio.Queue()
        left = iter(todo)

        async def work() -> None:
            try:
                for prompt in left:  # all workers take from the same ones
                    answers.put_nowait(await self._answer(prompt, held.put))
            except Exception as error:  # noqa: BLE001 - whatever it is, whoever asked gets it
                answers.put_nowait(error)

        count = min(len(todo), READY * self._chat.catalog.capacity(self._settings))
        tasks = [asyncio.create_task(work()) for _ in range(count)]
        syncing = asyncio.create_task(asyncio.sleep(0))
        try:
            for _ in todo:
                answer = await answers.get()
                if isinstance(answer, Exception):
                    raise answer
                if syncing.done():
                    syncing = asyncio.create_task(kept.sync())
                progress = replace(
                    progress,
                    asked=progress.asked + 1,
                    failed=progress.failed + bool(answer.error),
                    seconds=time.monotonic() - began_s,
                    prompt_tokens=progress.prompt_tokens + answer.prompt_tokens,
                    reply_tokens=progress.reply_tokens + answer.reply_tokens,
                )
                yield progress
            held.let_go()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, syncing, return_exceptions=True)
            await kept.sync()

    def question(self, text: str) -> Ask:
        """Return the question that a prompt is."""
        schema = self._schema.json if self._schema else None
        return self._chat.prepare(text, self._reading, settings=self._settings, session=self._session, schema=schema)

    async def _answer(self, prompt: Prompt, keep: Callable[[Kept], object]) -> Kept:
        """Return what becomes of a prompt, and keep it as soon as that is known."""
        began_s, reply = time.monotonic(), Reply()
        answer = Kept(prompt.key)
        try:
            async with aclosing(self._chat.tell(self.question(prompt.text))) as events:
                async for event in events:
                    reply.add(event)
                    if isinstance(event, TokensCounted):
                        # At once, and without a way to another thread in between: a kill would have it asked again.
                        keep(answer := self._read(prompt, reply, began_s))
        except ModelError as error:
            keep(answer := _failed(answer, error))
        if reply.usage.unread_tokens:  # which is known only now
            keep(answer := _failed(answer, ModelError(_UNREAD.format(reply.usage.unread_tokens))))
        return answer

    def _read(self, prompt: Prompt, reply: Reply, began_s: float) -> Kept:
        answer = Kept(
            prompt.key,
            text=reply.answer,
            model=reply.model,
            host=reply.host,
            prompt_tokens=reply.usage.prompt_tokens or 0,
            reply_tokens=reply.usage.reply_tokens or 0,
            duration_s=round(time.monotonic() - began_s, 3),
        )
        try:
            if self._schema:
                self._schema.parse(reply.answer)
        except AnswerInvalid as error:
            return _failed(answer, error)
        return answer


class _Held:
    """Keeps answers, and holds back the failures that may be a server's until there is an answer, or no more comes."""

    def __init__(self, kept: Checkpoint, *, is_open: bool) -> None:
        self._kept, self._is_open = kept, is_open
        self._failures: list[Kept] = []

    def put(self, answer: Kept) -> None:
        """Keep an answer; raises ChatError where enough failed to give up."""
        if not answer.error or (self._is_open and answer.kind not in _GONE):
            self.let_go()
            self._kept.put(answer)
            return
        self._failures.append(answer)
        most, which = (LOST, "last") if self._is_open else (GIVE_UP, "first")
        if len(self._failures) >= most and len({failure.kind for failure in self._failures}) == 1:
            error = named(answer.kind, f"The {which} {most} rows failed, so the rest was not asked. {answer.error}")
            self._failures.clear()
            raise error

    def let_go(self) -> None:
        """Keep what was held back, and hold nothing back from now on."""
        self._is_open = True
        for failure in self._failures:
            self._kept.put(failure)
        self._failures.clear()


def shaping_of(settings: Settings, schema: Schema | None, reading: Reading) -> list[object]:
    """Return all that shapes an answer, except the prompt's text: the hosts that answer do not."""
    return [
        [without_hosts(name, settings.providers) for name in settings.models],
        settings.system,
        dict(settings.options),
        settings.think,
        schema.json if schema else None,
        [_shaping(part) for part in reading.parts],
    ]


def digest(value: object) -> str:
    """Return a short name for a value of JSON: the same as long as the value is."""
    text = json.dumps(value, sort_keys=True, default=dict)
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:32]


def _failed(answer: Kept, error: ChatError) -> Kept:
    return replace(answer, error=str(error), kind=type(error).__name__)


def _shaping(part: Context | Image) -> Sequence[str]:
    if isinstance(part, Image):
        return part.mime, hashlib.sha256(part.data).hexdigest()
    return part.label, part.text
