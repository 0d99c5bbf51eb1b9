"""A real server of llama.cpp for a test session, with the tiny model: the second one that speaks OpenAI's protocol.

xllamacpp is llama.cpp compiled into a Python module, its HTTP server included; it installs as a wheel in seconds.
https://github.com/xorbitsai/xllamacpp

    python -m tests.llamacpp.server PORT
"""

import subprocess
import sys
import time
from pathlib import Path

import httpx

from tests import processes
from tests.ollama.modelfile import MODEL
from tests.ports import free_port

NAME = "tinychat"
WINDOW = 2048

# What `Modelfile.tinychat` says, in llama.cpp's language.
TEMPLATE = """\
{%- set system = messages[0].content if messages[0].role == "system" else "" -%}
{%- if system or tools -%}
<|im_start|>system
{{ system + "\\n" if system else "" }}
{%- if tools -%}
Tools:
{% for tool in tools -%}
{{ tool.function.name }}{% for name in tool.function.parameters.properties %} {{ name }}{% endfor %}
{% endfor %}
{%- endif -%}
<|im_end|>
{% endif -%}
{%- for message in messages -%}
{%- if message.role == "user" -%}
<|im_start|>user
{{ message.content }}<|im_end|>
{% elif message.role == "assistant" -%}
<|im_start|>assistant
{{ message.content or "" }}
{%- for call in message.tool_calls or [] -%}
<tool_call>{"name": "{{ call.function.name }}", "arguments": {{ call.function.arguments | tojson }}}</tool_call>
{%- endfor -%}
<|im_end|>
{% elif message.role == "tool" -%}
<|im_start|>tool
says: {{ message.content }}<|im_end|>
{% endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}
<|im_start|>assistant
{% endif -%}
"""


class LlamaServer:
    """A server of our own on a free port of the loopback address.

    Parameters
    ----------
    state
        A folder for its log.
    """

    def __init__(self, state: Path) -> None:
        self._state, self._port = state, free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self._port}"

    def start(self, timeout_s: float = 60) -> None:
        """Start it, on the same port as before, and wait until its model is loaded."""
        command = [sys.executable, "-m", "tests.llamacpp.server", str(self._port)]
        log = self._state / "llamacpp.log"
        root = Path(__file__).parents[2]
        self._process = processes.start(command, env=processes.environment(), log=log, cwd=root)
        end_at = time.monotonic() + timeout_s
        while not self._is_ready():
            if self._process.poll() is not None or time.monotonic() > end_at:
                raise RuntimeError(f"llama.cpp's server did not start:\n{log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.05)

    def kill(self) -> None:
        """Kill it, as a crash does."""
        if self._process is not None:
            processes.kill(self._process)
            self._process = None

    def _is_ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/health", timeout=10, trust_env=False).is_success
        except httpx.TransportError:
            return False


def main(port: int) -> None:
    """Serve until the process is ended."""
    import xllamacpp  # type: ignore[import-untyped]  # noqa: PLC0415 - only the process that serves needs 100 MB

    params = xllamacpp.CommonParams()
    params.model.path = str(MODEL / "tinychat.gguf")
    params.model_alias = {NAME}
    params.n_ctx = WINDOW
    params.n_parallel = 1
    params.cpuparams.n_threads = 1
    params.chat_template = TEMPLATE
    params.use_jinja = True
    params.port = port
    server = xllamacpp.Server(params)
    print(server.listening_address, flush=True)  # noqa: T201 - for the log
    while True:
        time.sleep(3600)


if __name__ == "__main__":
    main(int(sys.argv[1]))
