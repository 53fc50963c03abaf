"""The whole application in an AWS account in memory, and runs of the engine over it.

No command line and no sleeping: thousands of runs take the time of their calls alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
from as_aws import updates_as_aws_takes_them
from default_vpc import make_default_vpc_public
from examples_awslambda import package
from fake_recipe import UnbuiltFolder
from made_once import unsigned
from moto import mock_aws
from web_acls import make_web_acls

from batchctl.aws.clock import Clock
from batchctl.aws.session import Aws, Connection
from batchctl.config import Config
from batchctl.engine.apply import Result, apply
from batchctl.engine.destroy import destroy, plan_destroy
from batchctl.engine.events import Event, Finished
from batchctl.engine.kinds import outputs_of
from batchctl.engine.plan import Plan, Step, make_plan
from batchctl.engine.state import StateFile, StateIdentity
from batchctl.engine.walk import WalkOutcome
from batchctl.image.recipe import platform_of
from batchctl.packaging import compute_directory
from batchctl.resource import Outputs, Resource
from batchctl.stack import build

# Stands for the code of the functions, whose real zip is 1.5 MB that go to Lambda and back.
PACKAGE = package("def handler(event, context): return {}")
READING = ("Get", "List", "Describe")
# One cache of botocore's service models for all accounts.
_LOADER = boto3.Session()._session.get_component("data_loader")


@dataclass
class Application:
    """One application, its state in a folder, and the API calls that were made for it."""

    aws: Aws
    folder: Path
    config: Config = field(default_factory=Config)
    calls: list[str] = field(default_factory=list)

    def with_config(self, config: Config) -> Application:
        """The same application after the user changed config.yaml."""
        aws = Aws(self.aws.connection, stack=config.name, tags=config.tags, clock=self.aws.clock)
        return Application(aws, self.folder, config, self.calls)

    def without_state(self) -> Application:
        """The same application after the user lost the folder with the state."""
        return Application(self.aws, self.folder / "lost", self.config, self.calls)

    @property
    def stack(self) -> tuple[Resource[Any], ...]:
        compute = self.config.compute
        recipe = UnbuiltFolder(
            compute_directory(), platform_of(compute.architecture), compute.base_image
        )
        return build(self.config, image=compute.image or recipe, package=PACKAGE)

    @property
    def state(self) -> StateFile:
        identity = StateIdentity(self.aws.stack, self.aws.account, self.aws.region)
        return StateFile.load(self.folder / "state.json", identity)

    def outputs(self, address: str) -> Any:
        """What the state knows of a resource."""
        found: Outputs | None = outputs_of(self.state.state.resources[address])
        assert found is not None, address
        return found

    def client(self, service: str) -> Any:
        """A plain boto3 client: the witness, and the other hands."""
        return self.aws.connection.client(service)

    def plan(self) -> Plan:
        """What `up` would do; every reading succeeds and nothing is written."""
        before = len(self.writes)
        plan = make_plan(self.stack, self.state.state, self.aws)
        assert not plan.outcome.failed, plan.outcome.failed
        assert self.writes[before:] == []
        return plan

    def try_up(self) -> tuple[Result, list[Step]]:
        """Bring the application about; return also the steps that were carried out."""
        done: list[Step] = []

        def note(event: Event) -> None:
            if isinstance(event, Finished):
                done.append(event.step)

        return apply(self.stack, self.plan(), self.state, self.aws, note), done

    def up(self) -> list[Step]:
        """Bring the application about, without a failure; return the steps carried out."""
        result, done = self.try_up()
        assert not result.outcome.failed, result.outcome.failed
        assert result.succeeded
        return done

    def down(self) -> WalkOutcome:
        """Delete everything."""
        state = self.state
        return destroy(
            plan_destroy(state, self.aws, delete_data=True), state, self.aws, lambda _: None
        )

    @property
    def writes(self) -> list[str]:
        """The calls that change something, in order."""
        return [each for each in self.calls if not each.partition(".")[2].startswith(READING)]


def differences(plan: Plan) -> set[tuple[str, str]]:
    """Every address and path that a plan shows as different."""
    return {(step.address, change.path) for step in plan.steps for change in step.changes}


@contextmanager
def account(folder: Path) -> Iterator[Application]:
    """A fresh account with a default VPC and two web ACLs; the application isn't built."""
    with mock_aws(config=_moto()), unsigned(), updates_as_aws_takes_them():
        session = boto3.Session(
            aws_access_key_id="testing", aws_secret_access_key="testing", region_name="us-east-1"
        )
        calls: list[str] = []
        session._session.register_component("data_loader", _LOADER)
        session.events.register("before-parameter-build", _counter(calls))
        aws = Aws(Connection(session), stack="batchapp", tags={}, clock=_clock())
        make_default_vpc_public(aws.connection.client("ec2"))
        make_web_acls(aws)
        calls.clear()
        yield Application(aws, folder, calls=calls)


def _moto() -> Any:
    return {
        "batch": {"use_docker": False},
        "lambda": {"use_docker": False},
        "iam": {"load_aws_managed_policies": True},
    }


def _counter(calls: list[str]) -> Callable[..., None]:
    def count(model: Any, **_: Any) -> None:
        calls.append(f"{model.service_model.service_name}.{model.name}")

    return count


def _clock() -> Clock:
    now = [0.0]
    return Clock(now=lambda: now[0], sleep=lambda _stop, s: now.__setitem__(0, now[0] + s))
