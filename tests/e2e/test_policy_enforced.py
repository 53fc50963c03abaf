"""`batchctl policy`, enforced: with it all works, without any one action something is refused.

A user of the local cloud with exactly the policy that is printed builds the application, changes
it, switches its front door, runs jobs and deletes it. Each call is first tried without each action
that it needs.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from application import Application
from click.testing import CliRunner
from deprived import Deprived, acting_as
from rare_calls import in_alb, in_restapi

from batchctl.cli import main

pytestmark = [pytest.mark.e2e, pytest.mark.exhaustive]
# Of services that the local cloud hasn't got: nobody is refused there.
NOT_EMULATED = {"pricing:GetProducts", "servicequotas:ListServiceQuotas"}


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    made = Application.make(tmp_path_factory.mktemp("policy"))
    made.run("local", "start")
    yield made
    made.run("local", "stop")


def policy(application: Application, *options: str) -> list[dict[str, object]]:
    """The statements that the command line prints."""
    return list(json.loads(application.local("policy", *options).stdout)["Statement"])


def run(problems: list[str], *arguments: str, code: int = 0) -> None:
    """Run a command as the user; what comes out otherwise is noted, and the life goes on."""
    result = CliRunner().invoke(main, ["--local", *arguments])
    if result.exit_code != code:
        told = [each for each in result.output.splitlines() if "error" in each or "failed" in each]
        problems.append(f"{arguments}: {result.exit_code}: {told[:8]} {result.exception!r}")


def succeeded(*arguments: str) -> bool:
    return CliRunner().invoke(main, ["--local", *arguments]).exit_code == 0


def configure(application: Application, extra: str) -> None:
    path = application.folder / "config.yaml"
    ports = [line for line in path.read_text().splitlines() if line.startswith(("api:", "local:"))]
    path.write_text("\n".join([*ports, extra]))


def live(user: Deprived, problems: list[str]) -> None:
    """The life of an application, from `up` to `down`; what goes wrong in it is noted."""
    do = partial(run, problems)
    do("up", "--yes")
    do("submit", "one", "--universe", "AAPL,MSFT", "--wait")
    do("results", "one")
    do("logs", "one")
    do("why", "one")
    do("status")
    do("dead-letters", "show")
    configure(user.application, "tags: {team: research}\nqueue: {retention_days: 3}\n")
    do("up", "--yes")
    user.make(in_alb, problems)
    configure(user.application, "")
    do("up", "--yes", "--loosen", "--api-mode", "restapi", "--auth", "iam")
    do("submit", "two", "--universe", "AAPL,MSFT", "--wait")
    user.refuse("execute-api:Invoke", lambda: succeeded("jobs"))
    do("submit", "three", "--universe", "AAPL", "--wait", "--assume-api-role")
    do("cancel", "three", code=1)
    succeeded("doctor")  # whatever it finds here, its calls are made
    user.make(in_restapi, problems)
    do("up", "--yes", "--loosen", "--api-mode", "alb", "--auth", "none")
    do("down", "--yes", "--delete-data")


def test_a_user_with_the_policy_can_do_all_and_without_any_action_something_is_refused(
    cloud: Application,
) -> None:
    user = Deprived(cloud, policy(cloud))
    problems: list[str] = []
    try:
        with acting_as(user):
            live(user, problems)
    finally:
        report_on(user, problems)
    assert problems == []
    left = {action for _, action in user.pairs - user.needed}
    assert left == NOT_EMULATED


def report_on(user: Deprived, problems: list[str]) -> None:
    """Write the counts, what wasn't proven and what went wrong, where one is asked for."""
    if path := os.environ.get("POLICY_REPORT"):
        left = sorted(user.pairs - user.needed)
        lines = [
            f"{len(user.pairs)} actions of statements, {len(user.needed)} needed, {user.tried}",
            *(
                f"{user.statements[i]['Sid']} {a} {user.not_needed.get((i, a), '')}"
                for i, a in left
            ),
        ]
        Path(path).write_text("\n".join([*lines, *problems, *user.log]))
