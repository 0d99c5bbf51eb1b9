"""Let IPython take questions as they are written."""

from __future__ import annotations

from collections.abc import Sequence
from tokenize import DEDENT, INDENT, TokenInfo

from IPython.core.inputtransformer2 import EscapedCommand
from IPython.core.interactiveshell import InteractiveShell


class AskLine(EscapedCommand):
    """A `%ask` line, also where it ends with a question mark, by which IPython would look up its last word."""

    priority = 1  # before IPython's own help syntax, which has 5

    @classmethod
    def find(cls, tokens_by_line: Sequence[Sequence[TokenInfo]]) -> AskLine | None:
        """Return the first such line of a cell; what IPython calls with the cell's tokens."""
        for line in tokens_by_line:
            tokens = [token for token in line if token.type not in {INDENT, DEDENT}]
            if [token.string for token in tokens[:2]] == ["%", "ask"]:
                return cls(tokens[0].start)
        return None


def with_body(lines: list[str]) -> list[str]:
    r"""Give a cell that is nothing but its `%%chat` line an empty body, so that `%%chat -h` is not refused.

    Examples
    --------
    >>> with_body(["%%chat -h\n"])
    ['%%chat -h\n', '\n']
    """
    return [lines[0].rstrip("\n") + "\n", "\n"] if len(lines) == 1 and lines[0].startswith("%%chat") else lines


def install(shell: InteractiveShell) -> None:
    """Make a shell read cells so."""
    shell.input_transformers_cleanup.append(with_body)
    shell.input_transformer_manager.token_transformers.append(AskLine)


def uninstall(shell: InteractiveShell) -> None:
    """Undo what `install` did."""
    shell.input_transformers_cleanup.remove(with_body)
    shell.input_transformer_manager.token_transformers.remove(AskLine)
