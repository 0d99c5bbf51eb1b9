"""What can go wrong, as a tree.

Every text says what happened, what was tried, and what to do next.

* ChatError
    * SettingsError            an option or setting that cannot be
    * SessionError
        * SessionNotFound      no session of that name
        * NoSessions           a file from which no session can be read, though it is whole
        * StoreError           the disk is full, the folder read-only, a file damaged
    * ModelError
        * ModelUnreachable     nobody answers at the address
        * ModelBusy            429, 503: asked to come back later
        * ModelBroken          the server failed, or the stream broke
        * ModelStalled         silence for too long
        * ModelNotFound        the server has no such model
        * ModelTooLarge        the model does not fit into memory
        * ModelRefused         the request or the key is not accepted
    * ContextError
        * ContextNotFound      a reference that names nothing
        * ContextRefused       what may not or cannot be read
    * AnswerInvalid            an answer that does not fit the schema that was asked for
    * TooManyConnections       more to a server than one user may have
* ChatInterrupted              a KeyboardInterrupt: the user stopped the answer
* ToolsGoOn                    a CancelledError: an answer was stopped, and a tool that it called could not be
"""

from __future__ import annotations

import asyncio


class ChatError(Exception):
    """Anything that chatnb reports to its user; shown as one paragraph, without a traceback."""

    def _render_traceback_(self) -> list[str]:
        """Tell IPython what to show: the sentence is the help, our frames are not."""
        return [f"{type(self).__name__}: {self}"]


class SettingsError(ChatError, ValueError):
    """An option, setting or reference that cannot be."""


class SessionError(ChatError):
    """Something about a chat session."""


class SessionNotFound(SessionError, LookupError):  # noqa: N818 - named after what happened, as LookupError is
    """No session has that name or id."""


class NoSessions(SessionError):  # noqa: N818 - as above
    """A file that can be read holds no chat sessions."""


class StoreError(SessionError):
    """The store cannot keep or give back what it should."""


class ModelError(ChatError):
    """A model could not answer; the only exception that `Model.stream` raises.

    Attributes
    ----------
    is_retryable
        Whether asking the same model once more may help.
    """

    is_retryable = False


class ModelUnreachable(ModelError):  # noqa: N818
    """Nobody answers at the address."""

    is_retryable = True


class ModelBusy(ModelError):  # noqa: N818
    """The server asks to come back later.

    Attributes
    ----------
    retry_after_s
        Seconds that the server asked to wait, or None.
    """

    is_retryable = True

    def __init__(self, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class ModelBroken(ModelError):  # noqa: N818
    """The server failed, or its stream ended before the answer did."""

    is_retryable = True


class ModelStalled(ModelError):  # noqa: N818
    """The server was silent for longer than it may be."""

    is_retryable = True


class ModelNotFound(ModelError, LookupError):  # noqa: N818
    """The server has no such model."""


class ModelTooLarge(ModelError):  # noqa: N818
    """The model needs more memory than there is."""


class ModelRefused(ModelError):  # noqa: N818
    """The server does not accept the request or the key."""


class ContextError(ChatError):
    """Something about what a question was to carry along."""


class ContextNotFound(ContextError, LookupError):  # noqa: N818
    """A reference names nothing."""


class ContextRefused(ContextError):  # noqa: N818
    """What a reference names may not or cannot be read."""


class AnswerInvalid(ChatError, ValueError):  # noqa: N818
    """An answer does not fit the schema that was asked for; `text` is the answer."""

    def __init__(self, message: str, text: str = "") -> None:
        super().__init__(message)
        self.text = text


class TooManyConnections(ChatError):  # noqa: N818
    """One user has as many connections to a server as one may have."""


class ChatInterrupted(KeyboardInterrupt):
    """The user stopped an answer; ends the cell and Run All, without a traceback."""

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


class ToolsGoOn(asyncio.CancelledError):
    """What ran was cancelled, as it should be, but for tools that go on; the text says which, for the user."""


def named(kind: str, message: str) -> ChatError:
    """Return the error of the class called `kind`, so that an error can travel as two texts.

    Examples
    --------
    >>> named("ModelBusy", "Come back later.")
    ModelBusy('Come back later.')
    >>> named("ValueError", "x")
    ChatError('x')
    """
    known = {cls.__name__: cls for cls in _family(ChatError)}
    return known.get(kind, ChatError)(message)


def _family(cls: type[ChatError]) -> list[type[ChatError]]:
    return [cls, *(below for child in cls.__subclasses__() for below in _family(child))]
