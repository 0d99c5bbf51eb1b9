"""What came of one executed cell, as a front end would show it: pure functions of its messages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.kernel.iopub import Published

Bundle = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Failure:
    """An error as the cell shows it."""

    name: str
    value: str
    traceback: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Display:
    """A display and its updates, oldest first.

    Attributes
    ----------
    bundles
        The MIME bundles, one for the display and one for each update.
    metadata
        The metadata of each.
    """

    display_id: str | None
    bundles: tuple[Bundle, ...]
    metadata: tuple[Bundle, ...]


@dataclass(frozen=True, slots=True)
class Run:
    """One execution.

    Attributes
    ----------
    reply
        The content of the shell's `execute_reply`.
    messages
        All IOPub messages of this request, in their order.
    prompts
        What `input()` and the like asked for.
    cpu_s
        The kernel's processor time from the request to the end of this run.
    """

    reply: Mapping[str, Any]
    messages: tuple[Published, ...]
    prompts: tuple[str, ...]
    cpu_s: float

    @property
    def status(self) -> str:
        """`ok`, `error` or `aborted`."""
        return str(self.reply["status"])

    @property
    def error(self) -> Failure | None:
        """The error that the cell shows."""
        for message in self.messages:
            if message.type == "error":
                content = message.content
                return Failure(content["ename"], content["evalue"], tuple(content["traceback"]))
        return None

    @property
    def stdout(self) -> str:
        """Everything printed."""
        return self._stream("stdout")

    @property
    def stderr(self) -> str:
        """Everything printed to standard error."""
        return self._stream("stderr")

    def _stream(self, name: str) -> str:
        return "".join(m.content["text"] for m in self.messages if m.type == "stream" and m.content["name"] == name)

    @property
    def displays(self) -> tuple[Display, ...]:
        """Each display of this run with its updates."""
        shown: list[tuple[str | None, list[Bundle], list[Bundle]]] = []
        for message in self.messages:
            if message.type not in {"display_data", "update_display_data"}:
                continue
            display_id = message.content.get("transient", {}).get("display_id")
            for known, bundles, metadata in shown if message.type == "update_display_data" else ():
                if known == display_id:
                    bundles.append(message.content["data"])
                    metadata.append(message.content["metadata"])
                    break
            else:
                shown.append((display_id, [message.content["data"]], [message.content["metadata"]]))
        return tuple(Display(display_id, tuple(bundles), tuple(metadata)) for display_id, bundles, metadata in shown)

    @property
    def outputs(self) -> list[dict[str, Any]]:
        """The cell's outputs at the end, as an .ipynb holds them."""
        return outputs_of(self.messages)

    @property
    def text(self) -> str:
        """The outputs as plain text, where a bundle has Markdown its Markdown, one after the other."""
        return "\n".join(_text(output) for output in self.outputs)

    @property
    def next_input(self) -> str | None:
        """The text of the cell that the run puts after itself."""
        for payload in self.reply.get("payload", ()):
            if payload["source"] == "set_next_input":
                return str(payload["text"])
        return None

    @property
    def frame_count(self) -> int:
        """How many IOPub messages it took, status messages included."""
        return len(self.messages)

    @property
    def size_bytes(self) -> int:
        """How many bytes those were."""
        return sum(message.size_bytes for message in self.messages)


def outputs_of(messages: Sequence[Published]) -> list[dict[str, Any]]:
    """Return the outputs that a front end ends with: streams joined, updates applied, `clear_output` obeyed."""
    outputs: list[dict[str, Any]] = []
    ids: list[str | None] = []
    clear_at_next = False
    for message in messages:
        content = message.content
        match message.type:
            case "clear_output":
                if content["wait"]:
                    clear_at_next = True
                else:
                    outputs, ids = [], []
                continue
            case "update_display_data":
                for output, known in zip(outputs, ids, strict=True):
                    if known == content["transient"]["display_id"]:
                        output.update(data=content["data"], metadata=content["metadata"])
                continue
            case "stream" | "display_data" | "execute_result" | "error":
                pass
            case _:
                continue
        if clear_at_next:
            outputs, ids, clear_at_next = [], [], False
        last = outputs[-1] if outputs else {}
        if message.type == "stream" and last.get("name") == content["name"]:
            last["text"] += content["text"]
            continue
        transient = content.get("transient") or {}
        outputs.append({"output_type": message.type, **{key: content[key] for key in content if key != "transient"}})
        ids.append(transient.get("display_id"))
    return outputs


def _text(output: Mapping[str, Any]) -> str:
    match output["output_type"]:
        case "stream":
            return str(output["text"])
        case "error":
            return "\n".join(output["traceback"])
        case _:
            data = output["data"]
            return str(data.get("text/markdown", data.get("text/plain", "")))
