"""What is run at once, what is asked about, what is refused, and how long an answer counts."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatnb.messages import ToolCall
from chatnb.tools.approval import Approval, Proposal, Refused, Rule, Verdict
from chatnb.tools.tool import Effect, Tool


def act(path: str, text: str = "") -> str:
    """Do something."""
    return path + text


def tool(*effects: Effect, name: str = "act") -> Tool:
    return Tool.of(
        act,
        name=name,
        effects=effects,
        scope=lambda arguments: str(arguments["path"]).rpartition("/")[0],
    )


class User:
    """Says what was written down, and notes what was asked."""

    def __init__(self, *verdicts: Verdict) -> None:
        self.verdicts = list(verdicts)
        self.asked: list[Proposal] = []

    async def __call__(self, proposal: Proposal) -> Verdict:
        self.asked.append(proposal)
        return self.verdicts.pop(0)


async def runs(approval: Approval, tool: Tool, path: str = "a/x", text: str = "", *, is_tainted: bool = False) -> bool:
    call = ToolCall("1", tool.spec.name, {"path": path, "text": text})

    async def preview() -> str:
        return f"changes {path}"

    try:
        await approval.check(tool, call, call.arguments, preview, is_tainted=is_tainted)
    except Refused:
        return False
    return True


async def test_what_only_reads_and_what_the_user_made_a_tool_is_run_at_once() -> None:
    approval = Approval()

    assert await runs(approval, tool("reads"))
    assert await runs(approval, tool())


@pytest.mark.parametrize("effect", ["writes", "runs", "network"])
async def test_what_does_more_is_refused_where_nobody_can_say_yes(effect: Effect) -> None:
    assert not await runs(Approval(), tool("reads", effect))


async def test_the_user_sees_the_arguments_the_effects_and_what_would_change() -> None:
    user = User("once")

    assert await runs(Approval(ask=user), tool("writes", "reads"), "a/x", "words")

    [proposal] = user.asked
    assert proposal.call.arguments == {"path": "a/x", "text": "words"}
    assert proposal.effects == ("reads", "writes")
    assert proposal.preview == "changes a/x"
    assert proposal.scope == "a"


async def test_a_yes_once_counts_once() -> None:
    user = User("once", "no")
    approval = Approval(ask=user)

    assert await runs(approval, tool("writes"))
    assert not await runs(approval, tool("writes"))


async def test_a_yes_for_the_session_counts_for_that_tool_and_scope_alone() -> None:
    user = User("session", "no", "no")
    approval = Approval(ask=user)

    assert await runs(approval, tool("writes"), "a/x")
    assert await runs(approval, tool("writes"), "a/y", "other words")
    assert not await runs(approval, tool("writes"), "b/x")
    assert not await runs(approval, tool("writes", name="other"), "a/x")


async def test_a_yes_for_the_folder_outlives_the_kernel() -> None:
    folder: set[tuple[str, str]] = set()
    await runs(Approval(ask=User("folder"), folder=folder), tool("writes"), "a/x")

    assert await runs(Approval(folder=folder), tool("writes"), "a/y")
    assert not await runs(Approval(folder=folder), tool("writes"), "b/y")


async def test_a_no_for_ever_is_not_asked_again() -> None:
    user = User("never")
    approval = Approval(ask=user)

    assert not await runs(approval, tool("writes"))
    assert not await runs(approval, tool("writes"))
    assert len(user.asked) == 1


async def test_without_a_scope_a_remembered_yes_is_for_the_same_arguments_alone() -> None:
    user = User("session", "no")
    approval = Approval(ask=user)
    plain = Tool.of(act, effects=["runs"])

    assert await runs(approval, plain, "a", "1")
    assert await runs(approval, plain, "a", "1")
    assert not await runs(approval, plain, "a", "2")


@pytest.mark.parametrize("policy", [{"runs": "always"}, {"act": "always"}])
async def test_after_text_from_the_network_running_and_writing_is_asked_about_again(policy: Mapping[str, Rule]) -> None:
    user = User("session", "no")
    approval = Approval(policy, ask=user)

    assert await runs(approval, tool("runs"))
    assert await runs(approval, tool("runs"), is_tainted=True)
    assert not await runs(approval, tool("runs"), is_tainted=True)
    assert "instructions" in user.asked[0].reason


async def test_a_tool_that_is_never_allowed_asks_nobody() -> None:
    user = User()

    assert not await runs(Approval({"act": "never"}, ask=user), tool("reads"))


@given(
    policy=st.dictionaries(
        st.sampled_from(["reads", "writes", "runs", "network"]), st.sampled_from(["always", "ask", "never"])
    ),
    effects=st.sets(st.sampled_from(["reads", "writes", "runs", "network"])),
    more=st.sampled_from(["reads", "writes", "runs", "network"]),
)
def test_another_effect_never_makes_a_tool_freer(policy: dict[str, Rule], effects: set[Effect], more: Effect) -> None:
    order = ["always", "ask", "never"]
    approval = Approval(policy)

    assert order.index(approval.rule(tool(*effects, more))) >= order.index(approval.rule(tool(*effects)))
