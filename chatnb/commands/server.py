"""Commands about models, servers and settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace

from .. import recordings
from ..config import Setting
from ..context.rules import read_rules
from ..desk import Desk
from ..doctor import Finding, examine
from ..errors import ChatInterrupted, ModelError
from ..listing import Listing, Said, size
from ..messages import Json
from ..models.base import LoadedModel, ModelInfo, Provider
from ..views.progress import ProgressLine
from .base import no_words, parser


def show_status(desk: Desk, words: Sequence[str], kept: Mapping[str, Json] = {}) -> Listing[tuple[str, str]]:
    """Who answers, which session, which server, what is loaded, what was used."""
    no_words("status", show_status, words)
    chat, settings = desk.chat, desk.settings()
    session = chat.sessions.current
    history = chat.sessions.history(session)
    server, loaded = chat.portal.call(_server(desk.provider()))
    spent = [m.usage for m in history if m.usage]
    rules = read_rules(chat.sessions.place or ".") if settings.rules else None
    plan = chat.last_plan if chat.last_plan and chat.last_plan.ask.session.id == session.id else None
    rows = [
        ("model", settings.model or "the first that the server has"),
        ("session", f"{session.title or 'new'} ({len(history)} messages)"),
        ("server", server),
        ("loaded", "; ".join(map(_loaded, loaded)) or "nothing"),
        (
            "window",
            f"about {plan.prompt.tokens:,} of {plan.prompt.num_ctx:,} tokens, in the last question" if plan else "",
        ),
        ("rules", str(rules.path) if rules else "none (.chatnb.md or AGENTS.md beside the notebook)"),
        ("pinned", ", ".join(session.pins) or "nothing"),
        ("tokens read", str(sum(usage.prompt_tokens or 0 for usage in spent))),
        ("tokens written", str(sum(usage.reply_tokens or 0 for usage in spent))),
    ]
    return Listing(
        [row for row in rows if row[1]], {"": lambda row: row[0], "now": lambda row: row[1]}, kept=kept, is_ours=True
    )


def list_models(desk: Desk, words: Sequence[str]) -> Listing[ModelInfo]:
    """List what the server really has."""
    no_words("models", list_models, words)
    models = desk.chat.portal.call(desk.provider().models())
    columns: dict[str, Callable[[ModelInfo], str]] = {
        "model": lambda m: m.name,
        "size": lambda m: size(m.size_bytes),
        "parameters": lambda m: " ".join(filter(None, (m.parameters, m.quantization))),
        "context": lambda m: f"{m.context_length:,}" if m.context_length else "",
        "can": lambda m: ", ".join(m.capabilities),
    }
    return Listing(models, columns, empty="The server has no models. `%chat pull llama3.2` gets a small one (2 GB).")


def record(desk: Desk, words: Sequence[str]) -> Said:
    """Keep what is asked and answered in a file, from which CHATNB_REPLAY=strict lets it be answered without a model."""
    options = parser("record", record)
    options.add_argument("file", nargs="?", default="", metavar="FILE", help=f"by default {recordings.DEFAULT}")
    options.add_argument("--fresh", action="store_true", help="drop what the file holds")
    options.add_argument("--stop", action="store_true", help="record no more")
    chosen, settings, catalog = options.parse_args(words), desk.settings(), desk.chat.catalog
    settings = replace(settings, recording=chosen.file or settings.recording, replay=settings.replay or "record")
    if chosen.stop and settings.replay == "record":
        catalog.stop_tape()
    else:
        recordings.use(catalog, settings, is_fresh=chosen.fresh)
    # The same while it is made and while it answers: so a test that runs the notebook finds what was saved.
    if chosen.stop:
        return Said("What follows is in no recording.")
    return Said(f"What is asked from here on stands, with its answers, in {settings.recording or recordings.DEFAULT}.")


def pull(desk: Desk, words: Sequence[str]) -> None:
    """Download a model; an interrupt stops it, and the next pull goes on from there."""
    options = parser("pull", pull)
    options.add_argument("name", help="such as llama3.2 or qwen3:8b")
    name = options.parse_args(words).name
    provider, short = desk.chat.catalog.find(name, desk.settings())
    try:
        with closing(ProgressLine(is_live=desk.is_live)) as show:
            desk.chat.portal.follow(lambda: provider.pull(short), show)
    except KeyboardInterrupt:
        raise ChatInterrupted(f"Stopped. `%chat pull {name}` goes on from here.") from None


def run_doctor(desk: Desk, words: Sequence[str]) -> Listing[Finding]:
    """Check each thing that can be wrong."""
    no_words("doctor", run_doctor, words)
    findings = desk.chat.portal.call(examine(desk.settings(), desk.chat.catalog, desk.bench.servers))
    columns: dict[str, Callable[[Finding], str]] = {
        "": lambda f: {"ok": "✓", "warning": "!", "wrong": "✗"}[f.verdict],
        "about": lambda f: f.about,
        "found": lambda f: f.found,
        "next step": lambda f: f.step,
    }
    return Listing(findings, columns, is_ours=True)


def list_settings(desk: Desk, words: Sequence[str]) -> Listing[Setting]:
    """Every setting, its value, and where that came from."""
    no_words("config", list_settings, words)
    columns: dict[str, Callable[[Setting], str]] = {
        "setting": lambda s: s.name,
        "value": lambda s: repr(s.value),
        "from": lambda s: s.origin,
        "meaning": lambda s: s.help,
    }
    return Listing(desk.config.origins(), columns, caption="%config ChatConfig.NAME = VALUE sets one.")


async def _server(provider: Provider) -> tuple[str, Sequence[LoadedModel]]:
    """Return a server's address and version, and what it has loaded; where it does not answer, why."""
    try:
        return f"{provider.address}, version {await provider.version()}", await provider.loaded()
    except ModelError as error:
        return str(error), ()


def _loaded(model: LoadedModel) -> str:
    details = [size(model.size_bytes), f"window {model.context_length:,}" if model.context_length else ""]
    return f"{model.name} ({', '.join(filter(None, details))})"
