"""What importing the models costs: nothing of what only some of them need."""

import json
import subprocess
import sys

HEAVY = {"ollama", "httpx", "httpcore", "pydantic", "anyio"}


def imported_by(statement: str) -> set[str]:
    """Return the names of all top-level modules that a fresh Python has after `statement`."""
    code = f"{statement}; import json, sys; print(json.dumps(sorted(sys.modules)))"
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60).stdout
    return {name.partition(".")[0] for name in json.loads(output)}


def test_the_catalog_comes_without_a_client_of_any_server() -> None:
    assert not HEAVY & imported_by("import chatnb.models.catalog")


def test_the_demonstration_answers_without_one() -> None:
    statement = (
        "import asyncio; from chatnb.models.catalog import Catalog; from chatnb.settings import Settings; "
        "asyncio.run(Catalog().model(Settings(model='scripted:demo')))"
    )

    assert not HEAVY & imported_by(statement)


def test_a_model_of_an_endpoint_comes_without_the_packages_of_others() -> None:
    statement = (
        "import asyncio; from chatnb.models.catalog import Catalog; from chatnb.settings import Endpoint, Settings; "
        "settings = Settings(model='lab:a', endpoints={'lab': Endpoint('lab', 'http://gpu:8000/v1')}); "
        "asyncio.run(Catalog().model(settings))"
    )

    assert not {"openai", "httpx2", "ollama", "pydantic", "keyring"} & imported_by(statement)
