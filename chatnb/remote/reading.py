"""Commands about what a question carries along."""

from __future__ import annotations

import asyncio

from ..context.references import parse
from ..feed.entries import image_json
from ..messages import Context, Image
from ..stale import find_stale
from ..tokens import Calibration
from .base import Fields, Office, Result, text_in
from .talk import Visit, prepared

PREVIEWED = 2_000
"""Characters of what would be sent that a preview shows; it says how many there are besides."""

_OFFERED = 50
_KINDS = {
    "": "variable",
    "var": "variable",
    **dict.fromkeys(("cell", "cells", "notebook"), "cell"),
    "out": "output",
    "error": "error",
    **dict.fromkeys(("file", "dir", "image"), "file"),
    **dict.fromkeys(("session", "past"), "session"),
}


async def complete(office: Office, fields: Fields) -> Result:
    """Offer what an @ may name; only names are looked at, so that no cell is waited for."""
    beginning = text_in(fields, "text").removeprefix("@")
    names = await asyncio.to_thread(lambda: office.gatherer().names(beginning, _OFFERED))
    # A kind that is written already would only be written again.
    offered = [name for name in names if name != beginning or not name.endswith(":")]
    return {"items": [{"ref": name, "label": name, "kind": _kind(name)} for name in offered]}


async def preview(office: Office, fields: Fields) -> Result:
    """Show what a reference, or a dropped file, would send."""
    attachment = fields.get("attachment") or {"ref": text_in(fields, "ref")}
    reading = await office.read({**fields, "attachments": [attachment]})
    texts = [part for part in reading.parts if isinstance(part, Context)]
    images = [part for part in reading.parts if isinstance(part, Image)]
    result: Result = {
        "label": ", ".join(part.label for part in texts) or "picture",
        "text": _shortened("\n\n".join([*(part.text for part in texts), *reading.notes])),
        "tokens": sum(map(Calibration().count_part, reading.parts)),
    }
    return result | ({"image": image_json(images[0])} if images else {})


async def plan(office: Office, fields: Fields) -> Result:
    """Tell how full the window would be, and what would be left out."""
    ask = await prepared(office, fields, text_in(fields, "text", ""), Visit(office))
    planned = await office.chat.plan(ask)
    return {
        "tokens": planned.prompt.tokens,
        "num_ctx": planned.prompt.num_ctx,
        "notes": list(planned.asked.notes),
        "left_out": [
            {"label": item.label, "reason": item.reason} for item in planned.prompt.items if item.fate == "left out"
        ],
    }


async def suggest(office: Office, _: Fields) -> Result:
    """Offer first questions that fit the state of the notebook."""
    names = await asyncio.to_thread(lambda: office.gatherer().names("", 2 * _OFFERED))
    starters = []
    # `error` itself is offered as a kind, whether something has failed or not.
    if failed := next((parse(name).target for name in names if name.startswith("error:")), ""):
        where = f" in cell {failed}" if failed.isdigit() else ""
        starters.append({"text": f"What went wrong{where}, and how do I mend it?", "refs": ["error"]})
    if "cells:above" in names:
        starters.append({"text": "Explain what the cells above do.", "refs": ["cells:above"]})
    variable = next((name for name in names if not parse(name).kind and name.isidentifier()), None)
    if variable:
        starters.append({"text": f"What is in {variable}, and what could I ask of it?", "refs": [variable]})
    return {"starters": starters or [{"text": "What can you do in this notebook?", "refs": []}]}


async def stale(office: Office, _: Fields) -> Result:
    """Tell which answers have read what has changed since."""
    history = await office.history()
    found = await office.kernel(lambda: find_stale(history, office.gatherer().read))
    return {
        "stale": [{"message": each.question.id, "changed": list(each.changed + each.lost)} for each in found],
    }


async def pin(office: Office, fields: Fields) -> Result:
    """Let every question of the session carry something along, or no longer."""
    ref, pins = text_in(fields, "ref"), office.session.pins
    if fields.get("is_pinned", True):
        await office.kernel(lambda: office.gatherer().gather([ref]))  # raises if it names nothing
        pins = tuple(dict.fromkeys((*pins, ref)))
    else:
        pins = tuple(each for each in pins if each != ref)
    await asyncio.to_thread(office.chat.sessions.update, pins=pins)
    return {}


def _kind(name: str) -> str:
    """Return what a reference names, or will name once it goes on after its colon."""
    return _KINDS.get(parse(f"{name}x" if name.endswith(":") else name).kind, "other")


def _shortened(text: str) -> str:
    left = len(text) - PREVIEWED
    return f"{text[:PREVIEWED]}\n[... {left:,} more characters are sent ...]" if left > 0 else text
