"""The user's settings: `%config ChatConfig`, configuration files and the environment.

The order is: an option of the magic, `%config` or a configuration file of IPython, the environment, the default.
The environment is read when the extension is loaded: `CHATNB_` and the setting's name in capitals, such as
`CHATNB_MODEL`; and `OLLAMA_HOST` for the host, in every form that Ollama itself accepts.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

from traitlets import All, Bool, Dict, Enum, Float, Int, List, TraitError, TraitType, Unicode, observe
from traitlets.config import SingletonConfigurable

from .errors import SettingsError
from .settings import Endpoint, RetryPolicy, Settings, without_password

_DEFAULT = Settings()


class _Veiled(dict[str, Any]):
    """A mapping that shows its names alone: what stands there may be secret."""

    def __repr__(self) -> str:
        entries = self.get("mcpServers", self)
        return f"<{', '.join(map(str, entries)) if isinstance(entries, Mapping) else '?'}>"


class _Servers(TraitType[Any, Any]):
    """MCP servers: a mapping in the usual form, or the path of a file of it."""

    default_value = ""

    def validate(self, _: object, value: object) -> str | dict[str, Any]:
        """Return the value so that it can be shown."""
        if isinstance(value, str):
            return value
        if isinstance(value, Mapping):
            return _Veiled(value)
        raise TraitError(
            'ChatConfig.mcp is a mapping, {"mcpServers": {...}}, or the path of a JSON file that holds one.'
        )

    def from_string(self, text: str) -> str:
        """Return the path that a variable of the environment holds."""
        return text


class _Endpoints(Dict):
    """Endpoints by their names, without keys.

    Refused before it is kept: `%config` keeps what only a validator of the whole refuses.
    """

    def validate(self, obj: Any, value: Any) -> Any:
        if not isinstance(value, dict):  # the message of the base class repeats it
            raise SettingsError('ChatConfig.endpoints is of the form {"lab": {"base_url": "http://gpu:8000/v1"}}.')
        _endpoints_of(value)
        return super().validate(obj, value)


class ChatConfig(SingletonConfigurable):
    """How chatnb asks and shows. Each setting can be given by %config, a configuration file, or the environment."""

    model = Unicode(
        help="Model to ask, or several with commas between them: the rest are asked when it cannot answer."
    ).tag(config=True)
    host = Unicode(help="Ollama's address, in any form that OLLAMA_HOST takes; empty: the local one.").tag(config=True)
    endpoints = _Endpoints(
        help='Servers that speak OpenAI\'s protocol: {"lab": {"base_url": "http://gpu:8000/v1", "api_key_env": "LAB_KEY"}}'
        " makes lab:MODEL a model. Keys are named, never written here."
    ).tag(config=True)
    parallel = Int(
        _DEFAULT.parallel,
        min=0,
        help="Most asks at once at each server; 0: four where a model names its hosts (qwen3:8b@gpu1,gpu2), else no limit.",
    ).tag(config=True)
    system = Unicode(help="System prompt of every session that has none of its own.").tag(config=True)
    options = Dict(help="Options of Ollama, such as temperature, seed, num_ctx.").tag(config=True)
    think = Bool(None, allow_none=True, help="Whether the model is to think first; None leaves it to the model.").tag(
        config=True
    )
    keep_alive = Unicode(None, allow_none=True, help='How long the model stays in memory ("5m", "-1" for ever).').tag(
        config=True
    )
    timeout = Float(_DEFAULT.timeout_s, min=0.001, help="Seconds to wait for the first token.").tag(config=True)
    stall = Float(_DEFAULT.stall_s, min=0.001, help="Seconds of silence in mid-answer that count as broken.").tag(
        config=True
    )
    retry_attempts = Int(
        _DEFAULT.retry.attempts, min=1, help="How often a model is asked, the first time included."
    ).tag(config=True)
    retry_initial_delay = Float(_DEFAULT.retry.initial_delay_s, min=0, help="Seconds before the second attempt.").tag(
        config=True
    )
    retry_max_delay = Float(_DEFAULT.retry.max_delay_s, min=0, help="Most seconds between two attempts.").tag(
        config=True
    )
    retry_multiplier = Float(_DEFAULT.retry.multiplier, min=1, help="By how much the delay grows each time.").tag(
        config=True
    )
    retry_jitter = Float(_DEFAULT.retry.jitter, min=0, max=1, help="Part of the delay that is left to chance.").tag(
        config=True
    )
    history = Int(_DEFAULT.history, min=0, help="Most messages of the session that the model reads.").tag(config=True)
    max_context = Int(_DEFAULT.max_context, min=256, help="Largest window that is asked of the server, in tokens.").tag(
        config=True
    )
    compact = Bool(
        _DEFAULT.compact, help="Whether turns that no longer fit are summarised by the model instead of left out."
    ).tag(config=True)
    rules = Bool(
        _DEFAULT.rules, help="Whether .chatnb.md, else AGENTS.md, beside the notebook belongs to the system prompt."
    ).tag(config=True)
    secrets = Enum(
        ("remote", "always", "never"),
        _DEFAULT.secrets,
        help="Which models get placeholders for keys, tokens and passwords: remote ones, all, or none.",
    ).tag(config=True)
    record = Bool(
        default_value=True, help="Whether outputs of cells are kept in memory, so that a question can carry them."
    ).tag(config=True)
    urls = Bool(
        default_value=False, help="Whether a question may carry along pages of the web without asking each time."
    ).tag(config=True)
    tool_rounds = Int(_DEFAULT.tool_rounds, min=0, help="How often a model may call tools in one turn.").tag(
        config=True
    )
    tools = List(Unicode(), help="Tools and sets of tools that models are told of; none: your own functions.").tag(
        config=True
    )
    approve = Dict(
        value_trait=Enum(("always", "ask", "never")),
        key_trait=Unicode(),
        help='What is done by effect ("reads", "writes", "runs", "network") or by a tool\'s name: "always", "ask", "never".',
    ).tag(config=True)
    search = Unicode(help='Who searches the web: "ddgs", "searxng:https://...", "ollama"; empty: nobody.').tag(
        config=True
    )
    shell = Bool(default_value=False, help="Whether there is a tool that runs commands.").tag(config=True)
    replay = Enum(
        ("", "record", "strict"),
        _DEFAULT.replay,
        help='"record": a recording is made of what models answer; "strict": answers come from it, and from nobody else.',
    ).tag(config=True)
    replay_pace = Bool(_DEFAULT.replay_pace, help="Whether a recording answers as slowly as it was recorded.").tag(
        config=True
    )
    recording = Unicode(help="File of the recording; empty: chatnb-recording.json beside the notebook.").tag(
        config=True
    )
    mcp = _Servers(
        help="MCP servers: a mapping in the form of mcpServers, or the path of a JSON file of it; empty: mcp.json in chatnb's data folder."
    ).tag(config=True)
    save = Bool(_DEFAULT.save, help="Whether sessions are kept on disk.").tag(config=True)
    stream = Unicode("auto", help='"auto" streams where a person watches; "always" and "never" override it.').tag(
        config=True
    )
    footer = Bool(_DEFAULT.footer, help="Whether an answer in a cell ends with a line of figures.").tag(config=True)
    home = Unicode(help="Folder of the sessions; empty: the user's data folder.").tag(config=True)
    notebook = Unicode(help="Path of this notebook, where it cannot be found out.").tag(config=True)
    user_id = Unicode(help="Who asks; kept with each message.").tag(config=True)

    def __init__(self, environment: Mapping[str, str] | None = None, **kwargs: Any) -> None:
        self._environment = os.environ if environment is None else environment
        self._origins: dict[str, str] = {}
        super().__init__(**kwargs)
        for name in self._origins:
            self._origins[name] = "configuration file"
        for name in self.traits(config=True):
            if name not in self._origins:
                self._take_from_environment(name)

    def settings(self) -> Settings:
        """Return what is set now, as one value."""
        return Settings(
            model=self.model,
            host=self.host,
            endpoints=_endpoints_of(self.endpoints),
            parallel=self.parallel,
            system=self.system,
            options=dict(self.options),
            think=self.think,
            keep_alive=self.keep_alive,
            timeout_s=self.timeout,
            stall_s=self.stall,
            retry=RetryPolicy(
                attempts=self.retry_attempts,
                initial_delay_s=self.retry_initial_delay,
                max_delay_s=self.retry_max_delay,
                multiplier=self.retry_multiplier,
                jitter=self.retry_jitter,
            ),
            history=self.history,
            max_context=self.max_context,
            compact=self.compact,
            rules=self.rules,
            secrets=cast("Literal['remote', 'always', 'never']", self.secrets),
            tool_rounds=self.tool_rounds,
            replay=cast("Literal['', 'record', 'strict']", self.replay),
            replay_pace=self.replay_pace,
            recording=self.recording,
            save=self.save,
            footer=self.footer,
            home=self.home,
            user_id=self.user_id,
        )

    def take(self, name: str, text: str, origin: str) -> None:
        """Set one setting by a text, as a variable of the environment does.

        Parameters
        ----------
        origin
            Where the text came from, in the words of `origins`: an option, or a variable of the environment.

        Raises
        ------
        SettingsError
            If there is no such setting, or the text is no value for it.
        """
        traits = self.traits(config=True)
        if name not in traits:
            near = difflib.get_close_matches(name, traits, n=1)
            hint = f" Did you mean {near[0]}?" if near else ""
            msg = f"There is no setting {name!r}.{hint} `%chat config` lists them all."
            if not near:
                msg += (
                    f"\nIf it is an option of the model: `-o {name}=VALUE` with a question, or for all of them "
                    f'%config ChatConfig.options = {{"{name}": VALUE}}'
                )
            raise SettingsError(msg)
        try:
            self.put(name, _parsed(traits[name], text), origin)
        except SettingsError:
            raise
        except (TraitError, ValueError) as error:
            # Somebody may have put a key there, and a text that cannot be read is not known to hold none.
            what = "" if name == "endpoints" else f" is {text!r}, which"
            why = "" if name == "endpoints" else f": {error}"
            where = origin if origin.startswith("-") else f"The environment variable {origin}"
            msg = f"{where}{what} is no value for ChatConfig.{name}{why}"
            raise SettingsError(msg) from (None if name == "endpoints" else error)

    def put(self, name: str, value: Any, origin: str) -> None:
        """Set one setting and note where the value came from."""
        setattr(self, name, value)
        self._origins[name] = origin

    def origins(self) -> tuple[Setting, ...]:
        """Return every setting with its value, as it may be shown, and where that came from."""
        shown = {"host": without_password(self.host)}
        return tuple(
            Setting(name, shown.get(name, getattr(self, name)), self._origins.get(name, "default"), trait.help)
            for name, trait in sorted(self.traits(config=True).items())
        )

    @observe(All)
    def _note_origin(self, change: Any) -> None:
        if change.name in self.traits(config=True):
            self._origins[change.name] = "%config"

    def _take_from_environment(self, name: str) -> None:
        variables = [f"CHATNB_{name.upper()}", *(["OLLAMA_HOST"] if name == "host" else [])]
        for variable in variables:
            if text := self._environment.get(variable):
                self.take(name, text, variable)
                return


def _parsed(trait: TraitType[Any, Any], text: str) -> Any:
    """Return the value that a text stands for; of a list its members are enough, with commas between them."""
    if isinstance(trait, List) and not text.lstrip().startswith(("[", "(")):
        return [word.strip() for word in text.split(",") if word.strip()]
    return trait.from_string(text)


def _endpoints_of(value: Mapping[str, Any]) -> Mapping[str, Endpoint]:
    if not value:
        return {}
    from .models.endpoints import endpoints_of  # noqa: PLC0415 - loading takes what all need, and no more

    return endpoints_of(value)


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting, its value, and where the value came from: %config, a file, a variable of the environment, default."""

    name: str
    value: object
    origin: str
    help: str
