"""Read the Modelfiles of the tiny model and create its models over HTTP, as `ollama create` does."""

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

MODEL = Path(__file__).parent / "model"
NAMES = ("tinychat", "tinythink", "tinyplain")


def create_models(url: str) -> None:
    """Create the three models on a server; quick where they are there already."""
    weights = (MODEL / "tinychat.gguf").read_bytes()
    digest = f"sha256:{hashlib.sha256(weights).hexdigest()}"
    with httpx.Client(base_url=url, timeout=60, trust_env=False) as client:
        if client.head(f"/api/blobs/{digest}").status_code == httpx.codes.NOT_FOUND:
            client.post(f"/api/blobs/{digest}", content=weights).raise_for_status()
        for name in NAMES:
            body = {
                "model": name,
                "files": {"tinychat.gguf": digest},
                "stream": False,
                **read(MODEL / f"Modelfile.{name}"),
            }
            client.post("/api/create", json=body).raise_for_status()


def read(path: Path) -> Mapping[str, Any]:
    """Return the template, the parameters and the licence of a Modelfile as `/api/create` takes them."""
    text = path.read_text(encoding="utf-8")
    template = re.search(r'^TEMPLATE """(.*?)"""$', text, re.MULTILINE | re.DOTALL)
    license_ = re.search(r'^LICENSE "(.*)"$', text, re.MULTILINE)
    if template is None or license_ is None:
        raise ValueError(f"{path} has no TEMPLATE or no LICENSE.")
    parameters: dict[str, Any] = {}
    for name, value in re.findall(r"^PARAMETER (\S+) (.+)$", text, re.MULTILINE):
        if name == "stop":
            parameters.setdefault(name, []).append(value.strip('"'))
        else:
            parameters[name] = float(value) if "." in value else int(value)
    return {"template": template[1], "parameters": parameters, "license": license_[1]}
