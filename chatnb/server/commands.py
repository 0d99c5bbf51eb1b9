"""What may be asked for over a WebSocket, and by whom: there is no kernel behind it, and others may use the server, too."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Literal

from ..context.references import parse
from ..errors import SettingsError
from ..messages import Json
from ..models.catalog import Catalog
from ..options import Options
from ..remote import COMMANDS
from ..remote.base import Command, Fields, Office, Result, question_of, text_in, texts_in
from ..remote.talk import again
from ..remote.ways import fork
from ..settings import Settings, split_models
from ..wire import VERSION

Action = Literal["read", "write", "execute"]
"""What an Authorizer of Jupyter Server is asked about."""

ACTIONS: Mapping[str, Action] = {
    **dict.fromkeys(("ask", "again", "edit"), "execute"),
    **dict.fromkeys(
        ("cancel", "undo", "branch", "fork", "hide", "rename", "delete", "configure"),
        "write",
    ),
    **dict.fromkeys(
        ("models", "sessions", "search", "export", "complete", "preview", "plan", "copy", "earlier", "hello", "here"),
        "read",
    ),
}
"""What each command does, that may be asked for."""

_KERNEL = (
    "It needs a kernel, and there is none behind a WebSocket. Do it in the notebook: below %%chat, or in the panel."
)
_REFUSED = {
    **dict.fromkeys(("tools", "choose", "approve", "pin", "suggest", "stale"), _KERNEL),
    **dict.fromkeys(
        ("open", "new"), "A WebSocket is in one session. Connect to that one's address, or to .../ws/new for a new one."
    ),
}
_KINDS = ("session", "past")


async def _again(office: Office, fields: Fields) -> Result:
    """Ask a question again, unless it was asked with tools in a kernel: here they would run in the server."""
    question = question_of(await office.history(), text_in(fields, "turn"))
    if Options.of(question.chosen).tools:
        raise SettingsError(f"This question was asked with tools. {_KERNEL}")
    return await again(office, fields)


# A copy is for whoever connects to it: nobody is moved out of the session of their address.
OFFERED: Mapping[str, Command] = {
    **{name: command for name, command in COMMANDS.items() if name in ACTIONS},
    "again": _again,
    "fork": partial(fork, enter=False),
}
"""Those commands, as `Remote` takes them."""


def action_of(fields: Fields) -> Action:
    """Return what a command does; raises SettingsError with the reason where it may not be asked for.

    Examples
    --------
    >>> action_of({"v": 1, "do": "ask", "text": "Why?"})
    'execute'
    >>> action_of({"v": 1, "do": "stale"})
    Traceback (most recent call last):
    ...
    chatnb.errors.SettingsError: 'stale' cannot be asked for here. It needs a kernel, and there is none behind a WebSocket. \
Do it in the notebook: below %%chat, or in the panel.
    """
    if fields.get("v") != VERSION:
        raise SettingsError(f"This server speaks version {VERSION} of the protocol: send it as v with each command.")
    name = text_in(fields, "do", "")
    if name not in ACTIONS:
        why = _REFUSED.get(name, f"The commands are {', '.join(ACTIONS)}.")
        raise SettingsError(f"{name!r} cannot be asked for here. {why}")
    if texts_in(fields, "tools"):
        raise SettingsError(f"Tools cannot be chosen here. {_KERNEL}")
    attachments = fields.get("attachments") or []
    one = fields.get("attachment") or ({"ref": fields["ref"]} if "ref" in fields else {})
    for each in (*(attachments if isinstance(attachments, list) else []), one):
        _check(each)
    return ACTIONS[name]


def check_hosts(model: str, settings: Settings, catalog: Catalog) -> None:
    """Raise SettingsError where a model's name has hosts that the server's own settings do not name.

    What this server may reach is not for its users to explore.
    """
    known = {*settings.endpoints, *_hosts_in(settings.model, settings, catalog)}
    if unknown := _hosts_in(model, settings, catalog) - known:
        raise SettingsError(
            f"The host {min(unknown)!r} cannot be named here: the server's own settings say where its models are."
        )


def _hosts_in(model: str, settings: Settings, catalog: Catalog) -> set[str]:
    return {
        host
        for name in split_models(model, settings.providers)
        for host in catalog.split(name, settings)[0].partition("@")[2].split(",")
        if host
    }


def _check(attachment: Json) -> None:
    """Raise SettingsError where something is named that only a kernel can read, or that is the server's own."""
    ref = attachment.get("ref") if isinstance(attachment, Mapping) else None
    if isinstance(ref, str) and parse(ref).kind not in _KINDS:
        raise SettingsError(
            f"{ref!r} cannot be read here: variables, cells and files belong to a kernel. "
            "Attach the content itself, with name, mime and data, or name an earlier session as session:TITLE."
        )
