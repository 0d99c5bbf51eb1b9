"""Whose sessions a user of Jupyter Server sees."""

from __future__ import annotations

from collections.abc import Mapping


def user_ids_of(
    username: str, *, is_named: bool, own: str = "", environment: Mapping[str, str] = {}
) -> tuple[str, ...]:
    """Return who a user is in the store (`Session.user_id`), and besides whose sessions are theirs as well.

    A kernel that was told nothing else keeps sessions as nobody's: they belong to whom the server belongs to.

    Parameters
    ----------
    username
        As the identity provider has it.
    is_named
        Whether the provider tells users apart. With a token or a password alone it does not: whoever knows that is the
        one user that there is, and each browser gets a name by chance.
    own
        `ChatConfig.user_id`: the name of whom the server belongs to.
    environment
        JupyterHub names that one in it.

    Examples
    --------
    >>> user_ids_of("8d3c", is_named=False)
    ('',)
    >>> user_ids_of("ada", is_named=True, environment={"JUPYTERHUB_USER": "ada"})
    ('ada', '')
    >>> user_ids_of("bob", is_named=True, environment={"JUPYTERHUB_USER": "ada"})
    ('bob',)
    """
    owner = own or environment.get("JUPYTERHUB_USER", "")
    name = username if is_named else own
    is_owner = not is_named or name == owner
    return tuple(dict.fromkeys((name, ""))) if is_owner else (name,)
