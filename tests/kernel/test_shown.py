"""What a model's code shows as pictures, in a real kernel with matplotlib, and what of it is sent."""

import base64
from pathlib import Path

import pytest

from tests.faults.script import Answer
from tests.faults.server import FaultServer
from tests.kernel.kernels import running_kernel

pytestmark = pytest.mark.kernel

PLOT = "import matplotlib.pyplot as plt\nplt.plot([1, 2]);"
CALLS = Answer(text="", tool_calls=[{"function": {"name": "run_python", "arguments": {"code": PLOT}}}])


@pytest.mark.parametrize("capabilities", [("completion", "tools", "vision"), ("completion", "tools")])
def test_a_figure_is_sent_to_a_model_that_sees_and_kept(tmp_path: Path, capabilities: tuple[str, ...]) -> None:
    script = [CALLS, Answer(text="It rises."), Answer(text="Yes.")]
    with FaultServer({"tiny": script}, capabilities=capabilities) as server:
        with running_kernel(tmp_path, {"OLLAMA_HOST": server.url, "CHATNB_MODEL": "tiny"}) as kernel:
            kernel.run("%load_ext chatnb\n%matplotlib inline")

            run = kernel.run("%ask -t python Plot it.", answers=["y"])
            again = kernel.run("%ask -t python Sure?")

        sent = [chat for chat in server.chats if chat.body["options"].get("num_predict") != 1]

    assert (run.status, again.status) == ("ok", "ok"), (run.error, again.error)
    results = [message for chat in sent for message in chat.messages if message["role"] == "tool"]
    assert len(results) == 2
    for result in results:
        images = [base64.b64decode(image)[:4] for image in result.get("images", ())]
        assert images == ([b"\x89PNG"] if "vision" in capabilities else [])
        assert "[picture image/png]" in result["content"]
