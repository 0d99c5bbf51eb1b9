"""What the doctor finds of the servers that the settings name."""

import pytest

from chatnb.doctor import Finding, examine
from chatnb.models.catalog import Catalog
from chatnb.settings import Settings
from tests.faults.server import FaultServer
from tests.models.serving import endpoint_of


async def found(model: str, server: FaultServer, host: str = "127.0.0.1:9") -> dict[str, Finding]:
    """Return the findings about servers and models, by what they are about."""
    catalog = Catalog()
    settings = Settings(model=model, host=host, endpoints={"lab": endpoint_of(server)})
    findings = await examine(settings, catalog, environment={})
    await catalog.aclose()
    return {each.about: each for each in findings if each.about not in ("sessions", "proxy", "packages")}


async def test_an_endpoint_is_looked_at_and_an_ollama_that_nobody_asks_is_not() -> None:
    with FaultServer() as server:
        findings = await found("lab:tinychat", server)

    assert {about: finding.verdict for about, finding in findings.items()} == {
        "lab": "ok",
        "models of lab": "ok",
        "model lab:tinychat": "ok",
    }


async def test_a_model_that_the_endpoint_does_not_list_is_a_warning() -> None:
    with FaultServer() as server:
        findings = await found("lab:another", server)

    assert findings["model lab:another"].verdict == "warning"


@pytest.mark.parametrize("model", ["lab:tinychat,tinychat", "tinychat,lab:tinychat"])
async def test_both_are_looked_at_where_both_may_be_asked(model: str) -> None:
    with FaultServer() as server:
        findings = await found(model, server, host=server.url)

    assert [about for about in findings if findings[about].verdict != "ok"] == []
    assert {"Ollama", "lab", "model tinychat", "model lab:tinychat"} <= set(findings)


async def test_an_endpoint_that_is_not_there_is_wrong_with_a_next_step() -> None:
    with FaultServer() as server:
        pass

    findings = await found("lab:tinychat", server)

    assert findings["lab"].verdict == "wrong"
    assert "did not answer" in findings["lab"].found
    assert findings["lab"].step
    assert list(findings) == ["lab"]


async def test_each_of_several_hosts_is_looked_at() -> None:
    with FaultServer() as server, FaultServer() as gone:
        gone.refuse()
        hosts = [each.url.removeprefix("http://") for each in (server, gone)]

        findings = await found(f"tinychat@{','.join(hosts)}", server)

    assert [(about, each.verdict) for about, each in findings.items()] == [
        (f"host {hosts[0]}", "ok"),
        (f"models of {hosts[0]}", "ok"),
        (f"model tinychat@{hosts[0]}", "ok"),
        (f"host {hosts[1]}", "wrong"),
    ]
    assert "did not answer" in findings[f"host {hosts[1]}"].found


@pytest.mark.parametrize("model", ["tinychat", "tinychat@http://ada:hunter2@gpu,lab"])
async def test_an_address_that_cannot_be_is_a_finding_without_its_password(model: str) -> None:
    with FaultServer() as server:
        findings = await found(model, server, host="http://ada:hunter2@gpu")

    (wrong,) = [finding for finding in findings.values() if finding.verdict == "wrong" and "password" in finding.found]
    assert wrong.step == "`%chat config` shows where it was set."
    assert "hunter2" not in repr((wrong.about, wrong.found))
