"""What the options of one question say, wherever they were written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from .messages import Json
from .settings import Settings


@dataclass(frozen=True, slots=True)
class Options:
    """What the options of one question say; None and "" where they say nothing.

    Attributes
    ----------
    session
        Id or title of the session to ask in.
    schema, into
        Names in the user's namespace: what the answer has to fit, and where it goes.
    code
        Whether the answer's code becomes the next cell.
    context
        References to what the question carries along.
    ext
        Suffixes of the files that are taken from folders, such as "md"; none: all that hold text.
    tools
        Tools and sets of tools that the model may call; none: what the settings say.
    trial
        Whether code that the model wants run is tried out in a fork before it is asked about.
    dry_run
        Whether what would be sent is shown, and nothing sent.
    summary
        Whether the text is no question but a summary of what was said before.
    table
        Name of a table in the user's namespace; the text is asked about each of its rows, as a template.
    answers, key, prefix, price, retry_failed
        Of rows: the file of the answers, the column that names rows, what new columns begin with, what a million tokens
        cost that are read and that are written, and whether rows that failed are asked again.
    """

    model: str = ""
    session: str = ""
    system: str = ""
    option: tuple[tuple[str, Any], ...] = ()
    think: bool | None = None
    keep_alive: str = ""
    timeout: float | None = None
    history: bool = True
    save: bool = True
    schema: str = ""
    into: str = ""
    code: bool = False
    context: tuple[str, ...] = ()
    ext: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()
    trial: bool = False
    dry_run: bool = False
    summary: bool = False
    instead: int = 0
    cache: bool = False
    table: str = ""
    answers: str = ""
    key: str = ""
    prefix: str = ""
    price: tuple[float, float] | None = None
    retry_failed: bool = False

    @property
    def chosen(self) -> dict[str, Json]:
        """What is said here, as JSON: what the question keeps of it (`Message.chosen`)."""
        said = {name: value for name in _KEPT if (value := getattr(self, name)) != getattr(_NOTHING, name)}
        # Sorted, as Jupyter saves it: a session comes back from its notebook byte for byte.
        return {
            name: dict(sorted(value)) if name == "option" else _KEPT[name](value)
            for name, value in sorted(said.items())
        }

    @classmethod
    def of(cls, chosen: Mapping[str, Json]) -> Options:
        """Return what a question kept; what is no value for an option, as in a file of others, is left out.

        Examples
        --------
        >>> Options.of(Options(tools=("files",), option=(("seed", 1),)).chosen).tools
        ('files',)
        """
        fitting: dict[str, Any] = {
            name: value for name, kind in _KEPT.items() if isinstance(value := chosen.get(name), kind)
        }
        fitting |= {name: tuple(map(str, fitting[name])) for name in ("context", "ext", "tools") if name in fitting}
        fitting |= {"option": tuple(fitting["option"].items())} if "option" in fitting else {}
        return cls(**fitting)

    def over(self, settings: Settings) -> Settings:
        """Return `settings` with what is said here in place of what they say."""
        return replace(
            settings,
            model=self.model or settings.model,
            system=self.system or settings.system,
            options={**settings.options, **dict(self.option)},
            think=settings.think if self.think is None else self.think,
            keep_alive=self.keep_alive or settings.keep_alive,
            timeout_s=settings.timeout_s if self.timeout is None else self.timeout,
            history=settings.history if self.history else 0,
            save=settings.save and self.save,
        )


_NOTHING = Options()
_KEPT: dict[str, Any] = {
    "model": str,
    "system": str,
    "option": dict,
    "think": bool,
    "keep_alive": str,
    "timeout": float,
    "history": bool,
    "save": bool,
    "schema": str,
    "context": list,
    "ext": list,
    "tools": list,
    "trial": bool,
}
"""What a question keeps of its options, and what that is as JSON: all that shapes its answer.

Not what becomes of it: a question may come from others, and asked again it must not take a variable's place.
"""
