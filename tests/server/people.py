"""Who may come into the Jupyter Server of the tests: a few people with tokens of their own, and what each may."""

from __future__ import annotations

from typing import Any

from jupyter_server.auth import Authorizer, IdentityProvider, User

TOKENS = {"ada-token": "ada", "bob-token": "bob", "eve-token": "eve", "rita-token": "rita"}

RIGHTS = {"ada": ("read", "write", "execute"), "bob": ("read", "write", "execute"), "rita": ("read",), "eve": ()}


class People(IdentityProvider):
    """Knows people by their tokens, and by cookies as Jupyter Server's own does."""

    async def get_user_token(self, handler: Any) -> User | None:
        """Return whose token a request has."""
        name = TOKENS.get(self.get_token(handler) or "")
        return User(name) if name else None


class Rights(Authorizer):
    """Lets each do what they may with chatnb, and everything else."""

    def is_authorized(self, handler: Any, user: User, action: str, resource: str) -> bool:  # noqa: ARG002
        """Return whether a user may do something."""
        return resource != "chatnb" or action in RIGHTS[user.username]
