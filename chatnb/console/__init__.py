"""The console: `chatnb`, a conversation in the terminal, and the commands behind that word.

Exit codes: 0 all is well, 1 something failed and stderr says what, 2 the words were not understood or a setting cannot be,
130 stopped.

What a command needs is imported once its words are understood, so that help is there at once.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence

from ..errors import ChatError, ChatInterrupted, SettingsError
from ..grammar import HelpAsked
from . import flags
from .hints import in_shell

FAILED, MISUSED, STOPPED = 1, 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the words after `chatnb` say and return the exit code."""
    try:
        command, parsed = flags.understood(sys.argv[1:] if arguments is None else arguments)
        code: int = importlib.import_module(f".{command.home}", __package__).run(parsed)
        sys.stdout.flush()
    except HelpAsked as asked:
        print(in_shell(str(asked), flags.COMMANDS), end="")
        return 0
    except SettingsError as error:
        return _told(str(error), MISUSED)
    except ChatError as error:
        return _told(f"{type(error).__name__}: {error}", FAILED)
    except ChatInterrupted as stopped:
        return _told(str(stopped), STOPPED)
    except KeyboardInterrupt:
        return _told("Stopped. What was said so far is kept.", STOPPED)
    except BrokenPipeError:  # whoever reads has seen enough; Python would complain once more at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except Exception as error:  # noqa: BLE001 - a bug is told like anything else, with what to do
        return _told(
            f"chatnb itself failed ({type(error).__name__}: {error}). This is a bug: please report it.", FAILED
        )
    return code


def _told(sentence: str, code: int) -> int:
    print(in_shell(sentence, flags.COMMANDS), file=sys.stderr)
    return code
