"""Providers of a `FaultServer`, in each protocol that it speaks."""

from chatnb.models.openai import OpenAIProvider
from chatnb.settings import Endpoint
from tests.faults.server import FaultServer

LAB = "lab"


def endpoint_of(server: FaultServer | str, *, continues: bool | None = None, name: str = LAB) -> Endpoint:
    """Return the endpoint of a server, or of its address."""
    url = server if isinstance(server, str) else server.url
    return Endpoint(name, f"{url}/v1", continues=continues)


def lab(server: FaultServer | str, *, continues: bool | None = None) -> OpenAIProvider:
    """Return the provider of a server as `lab:`."""
    return OpenAIProvider(endpoint_of(server, continues=continues))
