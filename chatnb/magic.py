"""The magics: `%%chat`, `%ask` and `%chat`.

Thin on purpose: loading the extension has to be instant, so that what asks and shows (desk.py, commands.py) is imported
by the first magic that is used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from IPython.core.completer import CompletionContext, SimpleMatcherResult, context_matcher
from IPython.core.interactiveshell import InteractiveShell
from IPython.core.magic import Magics, line_cell_magic, line_magic, magics_class, no_var_expand

from . import syntax
from .config import ChatConfig
from .context.recorder import Recorder

if TYPE_CHECKING:
    from .desk import Desk


@magics_class
class ChatMagics(Magics):
    """Chat with a language model.

    Attributes
    ----------
    desk
        What the magics work with; made at the first use.
    recorder
        Knows what the cells of this kernel were and showed.
    """

    def __init__(self, shell: InteractiveShell, config: ChatConfig) -> None:
        super().__init__(shell)
        self.chat_config = config
        self.recorder = Recorder(shell)
        self._desk: Desk | None = None

    @property
    def desk(self) -> Desk:
        """The chat of this kernel, its settings and its screen."""
        if self._desk is None:
            # Lazy: everything but the magics' names is imported here.
            self._desk = importlib.import_module(".desk", __package__).Desk(self.shell, self.chat_config, self.recorder)
        return self._desk

    @no_var_expand
    @line_cell_magic
    def chat(self, line: str, cell: str | None = None) -> Any:
        """Ask a model what is written below `%%chat`; `%chat COMMAND` looks after models, sessions and settings.

        The question is sent exactly as it is written. `%%chat -h` shows the options, `%chat help` the commands.
        """
        if cell is None:
            return importlib.import_module(".commands", __package__).run(line, self.desk)
        return self.desk.ask_cell(line, cell)

    @no_var_expand
    @line_magic
    def ask(self, line: str) -> Any:
        """Ask a model a question of one line; leading options are those of `%%chat`."""
        return self.desk.ask_line(line)

    def complete(self, _: InteractiveShell, event: Any) -> list[str]:
        """Return what can stand where the cursor is; what IPython calls for a tab."""
        # Lazy, as above.
        found: list[str] = importlib.import_module(".completion", __package__).complete(self.desk, event)
        return found

    @context_matcher(identifier="chatnb.mention")  # type: ignore[untyped-decorator]  # IPython's
    def complete_mention(self, context: CompletionContext) -> SimpleMatcherResult:
        """Return what an `@` in a question may name; what IPython calls for a tab, anywhere."""
        if not context.full_text.startswith("%%chat") and not context.line_with_cursor.startswith("%ask"):
            return {"completions": []}
        # Lazy, as above.
        found: SimpleMatcherResult = importlib.import_module(".completion", __package__).complete_mention(
            self.desk, context
        )
        return found

    def record(self, _: object = None) -> None:
        """Record cells or not, as the settings say now."""
        (self.recorder.install if self.chat_config.record else self.recorder.uninstall)()

    def close(self) -> None:
        """Stop what still runs and close everything."""
        self.chat_config.unobserve(self.record, "record")
        self.recorder.uninstall()
        if self._desk is not None:
            self._desk.close()
            self._desk = None


_NAMES = {"line": ("chat", "ask"), "cell": ("chat",)}
_COMPLETED = ("%%chat", "%chat", "%ask")


def load(shell: InteractiveShell) -> None:
    """Register the magics, their settings and their completion with a shell."""
    ChatConfig.clear_instance()  # one that was made before the shell's configuration was known
    config = ChatConfig.instance(parent=shell)
    magics = ChatMagics(shell, config)
    shell.register_magics(magics)
    shell.configurables.append(config)  # type: ignore[arg-type]  # typed for shells alone; %config takes any
    syntax.install(shell)
    shell.Completer.custom_matchers.append(magics.complete_mention)
    magics.record()
    config.observe(magics.record, "record")
    for name in _COMPLETED:
        shell.set_hook("complete_command", magics.complete, str_key=name)  # type: ignore[no-untyped-call]


def unload(shell: InteractiveShell) -> None:
    """Undo what `load` did."""
    magics = shell.magics_manager.registry.pop(ChatMagics.__name__, None)
    if magics is None:
        return
    magics.close()
    for kind, names in _NAMES.items():
        for name in names:
            shell.magics_manager.magics[kind].pop(name, None)
    shell.configurables.remove(magics.chat_config)
    shell.configurables.remove(magics)
    ChatConfig.clear_instance()
    syntax.uninstall(shell)
    shell.Completer.custom_matchers.remove(magics.complete_mention)
    for name in _COMPLETED:
        shell.strdispatchers["complete_command"].strs.pop(name, None)
