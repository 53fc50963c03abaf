"""One application in one place: what it is made of, and what can be done with it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from batchctl import stack
from batchctl.application.account import open_account
from batchctl.application.caller import direct_http, open_caller
from batchctl.application.dead_letters import DeadLetterQueue, dead_letter_queues
from batchctl.application.deployed import TRY_IT, require_recorded, require_running
from batchctl.application.diagnosis import Diagnosis, Machines, diagnosis_of, turns_of
from batchctl.application.events import OnEvent, ignore
from batchctl.application.front_door import FrontDoor, front_door_of
from batchctl.application.front_door_change import FrontDoorChange, agreed_door, loosened
from batchctl.application.health import unhealthy_endpoint, unhealthy_resources
from batchctl.application.image import (
    FolderNotice,
    contents_of,
    deployed_contents,
    folder_notice,
    image_of,
    secrets_of,
)
from batchctl.application.job_resources import QUEUE as JOBS_QUEUE
from batchctl.application.job_resources import NotDeployed, Recorded, job_resources_of, tracker_of
from batchctl.application.local_cloud import (
    local_settings,
    machine_vcpus,
    open_local_cloud,
    take_picture,
)
from batchctl.application.local_doors import local_ports, refuse_taken_door, with_api_port
from batchctl.application.logs import JobLogs, logs_of
from batchctl.application.recorded import OtherStack, RecordedStates
from batchctl.application.status import Status, status_of
from batchctl.application.target import Target
from batchctl.application.upgrade import earlier_containers
from batchctl.aws.session import Aws
from batchctl.config import Config
from batchctl.engine import lock
from batchctl.engine.apply import apply
from batchctl.engine.destroy import Remaining, destroy, plan_destroy, remaining_after
from batchctl.engine.events import Emit
from batchctl.engine.events import ignore as ignore_steps
from batchctl.engine.plan import OnWait, Plan, ignore_waits, make_plan
from batchctl.engine.state import State, StateFile, StateIdentity
from batchctl.engine.walk import WalkOutcome
from batchctl.errors import BatchctlError
from batchctl.image.recipe import Recipe, Secrets
from batchctl.jobs import JobsClient
from batchctl.jobs.api.connection import Connection
from batchctl.jobs.control import JobChanges
from batchctl.jobs.diagnosis.turns import Turns
from batchctl.local.control.ports import Ports
from batchctl.local.control.process import Settings
from batchctl.packaging import function_package
from batchctl.resource import Resource
from batchctl.resources.sqs import depth
from batchctl.stack.openness import door_of, front_door_warnings


@dataclass(frozen=True)
class Application:
    """One application in one place; nothing is looked up before it is needed, and then once.

    `recorded_only`: the configuration can't be used, all that is known is in the state. `rebuild`:
    the image is to be built once more, on the newest base image.
    """

    target: Target
    config: Config
    states: RecordedStates
    on_event: OnEvent = ignore
    recorded_only: bool = False
    rebuild: bool = False

    @property
    def state_path(self) -> Path:
        """The state file."""
        return self.states.path_of(self.config.name)

    @property
    def recorded(self) -> State | None:
        """What is recorded, whoever's it is; None before `up`. StateError when it is damaged."""
        loaded: StateFile | None = vars(self).get("state")
        return loaded.state if loaded else self.states.of(self.config.name)

    @property
    def other_stacks(self) -> tuple[OtherStack, ...]:
        """The stacks of other names that this folder has a state of: `name` may have changed."""
        return tuple(
            OtherStack(path, state.identity.stack, len(state.resources) + len(state.deposed))
            for path, state in self.states.others(self.config.name)
        )

    @cached_property
    def aws(self) -> Aws:
        """The account (or the local cloud, started when needed), refused when it is another one."""
        if self.target.local:
            return open_local_cloud(
                self.target,
                self.config,
                self.local_ports,
                self.on_event,
                recorded_only=self.recorded_only,
            )
        return open_account(self.target, self.config)

    @cached_property
    def state(self) -> StateFile:
        """The state, of this account and region only."""
        identity = StateIdentity(self.aws.stack, self.aws.account, self.aws.region)
        return StateFile.of(self.states.of(self.config.name), self.state_path, identity)

    @cached_property
    def stack(self) -> tuple[Resource[Any], ...]:
        """The resources that config.yaml asks for."""
        image = self.image  # what is wrong with it is said before anything is asked
        surroundings = stack.Surroundings(
            machine_vcpus=machine_vcpus(self.config) if self.target.local else None,
            earlier_containers=earlier_containers(self.recorded, lambda: self.aws),
        )
        return stack.build(
            self._built_config, image=image, package=function_package(), surroundings=surroundings
        )

    @cached_property
    def image(self) -> str | Recipe:
        """The container image by name, or what it is built from.

        UsageError when what is not built here is to be rebuilt.
        """
        return image_of(self.target, self.config, rebuild=self.rebuild)

    @property
    def image_secrets(self) -> Secrets | None:
        """What looks like a secret where the image is built from; None when it isn't built."""
        return secrets_of(self.image)

    @property
    def has_new_code(self) -> bool:
        """Whether the folder of compute.py has changed since `up`; False where none is known."""
        deployed = deployed_contents(self.recorded)
        if deployed is None:
            return False
        try:
            now = contents_of(self.target, self.config)
        except BatchctlError:  # what is wrong with it concerns the next `up`
            return False
        return now not in {None, deployed}

    @property
    def folder_notice(self) -> FolderNotice:
        """What to know of the folder that the image is built from."""
        return folder_notice(self.target, self.config)

    def local_settings(self) -> Settings:
        """Return how the local cloud is to run for it; UsageError when that can't be."""
        return local_settings(self.target, self.config, self.local_ports)

    @cached_property
    def local_ports(self) -> Ports:
        """The ports of the local cloud, as it runs or is to run."""
        return local_ports(self.target, self.config)

    @property
    def _built_config(self) -> Config:
        """The configuration with the port that the load balancer really gets."""
        if not self.target.local:
            return self.config
        refuse_taken_door(self.target, self.config, self.states)
        return with_api_port(self.config, self.local_ports.load_balancer)

    @cached_property
    def front_door(self) -> FrontDoor:
        """The front door that is deployed, or else the one that config.yaml asks for."""
        port = self.local_ports.load_balancer if self.target.local else None
        url = f"http://127.0.0.1:{port}" if port else None
        return front_door_of(self.config, self.recorded, local_url=url)

    @property
    def endpoint(self) -> str:
        """The URL of the deployed API, without a slash at its end; NotDeployed when there is none.

        Nor does a local cloud that isn't this folder's have one.
        """
        self._require_deployed()
        if self.front_door.url:
            return self.front_door.url
        raise NotDeployed(
            f"could not find the endpoint: `{self.state_path}` knows no load balancer and no REST "
            "API",
            hint=TRY_IT,
        )

    def _require_deployed(self) -> None:
        """Raise NotDeployed, before anything is asked or started, when there is nothing to ask."""
        if "state" in vars(self):
            return
        require_recorded(self.target, self.config.name, self.recorded, self.state_path)
        if self.target.local:
            require_running(self.target, self.local_ports.load_balancer)

    # Building

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the lock of the state for the block, which sees what another run wrote before it.

        Locked when another run has it.
        """
        with lock.locked(self.state_path):
            self.states.forget()
            self._forget("state", "front_door")
            yield

    def require_credentials(self) -> None:
        """Raise LoggedOut without good credentials, so that nothing is begun here.

        Where something is recorded, the plan finds out while it reads.
        """
        aws = self.aws
        if self.recorded is None:
            aws.account  # noqa: B018 - asks for it

    def plan(self, on_wait: OnWait = ignore_waits) -> Plan:
        """Return what `up` would change and why; errors of reading are in its `outcome`."""
        with self._recorded_account():
            return make_plan(self.stack, self.state.state, self.aws, on_wait)

    def front_door_change(self, plan: Plan) -> FrontDoorChange:
        """Return what carrying out the plan makes of the front door."""
        agreed, wanted = agreed_door(self.recorded), door_of(self.config)
        local = self.target.local
        # Nobody but this machine reaches the local cloud.
        warnings = () if local else front_door_warnings(self.config, self.aws.partition.id)
        return FrontDoorChange(
            agreed, wanted, loosened(agreed, wanted, plan.loosens), tuple(warnings), local
        )

    def up(self, plan: Plan, emit: Emit = ignore_steps) -> WalkOutcome:
        """Carry out the plan; the state has what was done, whatever failed. Call it `locked`."""
        if isinstance(self.image, str):
            take_picture(self.target, self.config, self.image)
        door = door_of(self.config)
        self.state.remember_api(door.mode, door.auth, door.cidrs or (), door.scheme or "")
        self._forget("front_door")
        outcome = apply(self.stack, plan, self.state, self.aws, emit).outcome
        if outcome.complete:
            self.state.remember_compute(contents_of(self.target, self.config))
        return outcome

    def plan_down(self, *, delete_data: bool = False, on_wait: OnWait = ignore_waits) -> Plan:
        """Return what `down` would delete, from the state alone, and what it would keep."""
        with self._recorded_account():
            return plan_destroy(self.state, self.aws, delete_data=delete_data, on_wait=on_wait)

    def down(
        self, plan: Plan, emit: Emit = ignore_steps
    ) -> tuple[WalkOutcome, tuple[Remaining, ...]]:
        """Carry out the plan of `plan_down`; return what came of it and what is still there."""
        outcome = destroy(plan, self.state, self.aws, emit)
        self._forget("front_door")
        return outcome, remaining_after(plan, outcome, self.state)

    def status(self, plan: Plan) -> Status:
        """Return what is deployed, its drift by the plan, and what is unhealthy.

        The endpoint is asked for a job, once.
        """
        unhealthy = tuple(self._unhealthy(plan)) if self.state.state.resources else ()
        return status_of(plan, self.state.state, self.aws, self.front_door, unhealthy)

    def _unhealthy(self, plan: Plan) -> Iterator[str]:
        yield from unhealthy_resources(plan)
        if self.front_door.url and (found := unhealthy_endpoint(self.connection(), self.config)):
            yield found

    def lock_holder(self) -> lock.Held | None:
        """Return what keeps runs out; None when the next one can begin."""
        return lock.held(self.state_path)

    def unlock(self) -> None:
        """Free the lock of a run that is gone."""
        lock.free(self.state_path)

    # Jobs

    def jobs(self, *, assume_api_role: bool = False) -> JobsClient:
        """Return the client of the jobs; nothing is called yet.

        UsageError when nothing is deployed. With `assume_api_role`, requests are signed as the
        API's execute role, which is assumed here where the API wants signatures: BatchctlError says
        why it can't be.
        """
        endpoint, caller = self.endpoint, open_caller(self, asked=assume_api_role)
        return JobsClient(
            endpoint,
            sign=caller.sign,
            caller=caller.name,
            http=direct_http(local=self.target.local),
            door=self.front_door.limits,
        )

    def connection(self, *, assume_api_role: bool = False) -> Connection:
        """Return the way to the API for requests by hand; raises as `jobs` does."""
        endpoint, sign = self.endpoint, open_caller(self, asked=assume_api_role).sign
        http = direct_http(local=self.target.local)
        return Connection(endpoint, sign=sign, http=http, sleep=time.sleep, clock=time.monotonic)

    def job_changes(self) -> JobChanges:
        """Return what cancels and retries jobs; UsageError before `up`."""
        tracker = tracker_of(self._recorded)
        return JobChanges(self.aws, tracker)

    def logs(self, job_id: str, item: str | None = None) -> JobLogs:
        """Return the logs of a job, or of the tasks that work on one item; JobNotFound."""
        resources = job_resources_of(self._recorded)
        return logs_of(self.aws, resources, job_id, item)

    def why(self, job_id: str, *, assume_api_role: bool = False) -> Diagnosis:
        """Return what AWS says about a job, the likely causes and what to do; JobNotFound."""
        client = self.jobs(assume_api_role=assume_api_role)
        resources = job_resources_of(self._recorded)
        return diagnosis_of(self.aws, resources, client, job_id, self._machines)

    def turns(self, job_id: str) -> Turns | None:
        """Return what else is in the queue beside a job, as AWS Batch says.

        None where the caller's own credentials don't allow to ask: whoever may call the API.
        """
        try:
            resources = job_resources_of(self._recorded)
            return turns_of(self.aws, resources, job_id, self._machines)
        except (BatchctlError, ClientError, BotoCoreError):
            return None

    def waiting_jobs(self) -> int:
        """Return about how many submitted jobs wait in SQS to be taken by the splitter."""
        url = self.state.state.outputs(JOBS_QUEUE).get("url")
        return depth(self.aws, str(url)) if url else 0

    @property
    def _machines(self) -> Machines:
        compute = self.config.compute
        environments = 2 if compute.on_demand_fallback else 1
        in_aws = environments * compute.max_vcpus
        most = machine_vcpus(self.config) if self.target.local else in_aws
        return Machines(most, compute.memory_sizes_mib)

    def dead_letters(self) -> tuple[DeadLetterQueue, ...]:
        """Return the queues of failed messages that there are; UsageError before `up`."""
        recorded = self._recorded
        return dead_letter_queues(self.aws, recorded)

    @contextmanager
    def _recorded_account(self) -> Iterator[None]:
        """Read in the block while AWS says whose the credentials are, as the state says it already.

        At its end the two are compared, before anything is changed or shown: raises as `state`
        does for another account.
        """
        recorded = self.recorded
        if recorded is None or "state" in vars(self) or "account" in vars(self.aws):
            yield
            return
        self.aws.presume_account(recorded.identity.account)
        try:
            yield
        finally:
            if not self.aws.confirm_account():
                self._forget("state")
                self.state  # noqa: B018 - raises for the account that it is

    @property
    def _recorded(self) -> Recorded:
        self._require_deployed()
        return Recorded(self.state.state, self.state_path)

    def _forget(self, *names: str) -> None:
        """Have what was looked up be looked up again."""
        for name in names:
            vars(self).pop(name, None)
