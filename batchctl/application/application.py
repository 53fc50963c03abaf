"""One application in one place, as its jobs are used: where it is, who calls it, what it answers.

Building it is `building`'s. Most commands only talk HTTP to the deployed API: what needs boto3 is
imported where it is needed first.
"""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from batchctl.application.caller import direct_http, open_caller
from batchctl.application.deployed import TRY_IT, require_recorded, require_running
from batchctl.application.events import OnEvent, ignore
from batchctl.application.front_door import FrontDoor, front_door_of
from batchctl.application.job_resources import NotDeployed, Recorded, job_resources_of, tracker_of
from batchctl.application.local_doors import local_ports
from batchctl.application.recorded import OtherStack, RecordedStates
from batchctl.application.target import Target
from batchctl.config import Config
from batchctl.engine.state import State, StateFile, StateIdentity, StateStore
from batchctl.errors import BatchctlError, UsageError
from batchctl.jobs import JobsClient
from batchctl.jobs.api.connection import Connection

if TYPE_CHECKING:
    from batchctl.application.dead_letters import DeadLetterQueue
    from batchctl.application.diagnosis import Diagnosis, Machines
    from batchctl.application.found import Found
    from batchctl.application.logs import JobLogs
    from batchctl.aws.session import Aws
    from batchctl.jobs.control import JobChanges
    from batchctl.jobs.cost.estimate import Estimate
    from batchctl.jobs.cost.ledger import JobCost, Range
    from batchctl.jobs.diagnosis.turns import Turns
    from batchctl.local.control.ports import Ports
    from batchctl.local.control.process import Settings


@dataclass(frozen=True)
class Application:
    """One application in one place; nothing is looked up before it is needed, and then once.

    `recorded_only`: the configuration can't be used, all that is known is in the state.
    """

    target: Target
    config: Config
    states: RecordedStates
    on_event: OnEvent = ignore
    recorded_only: bool = False
    # What is looked for where no state says it: where jobs live as well, or just who is let in.
    needs_doors_only: ClassVar[bool] = False

    @property
    def state_path(self) -> Path:
        """The state file of this folder."""
        return self.states.path_of(self.config.name)

    @property
    def store(self) -> StateStore:
        """Where the state is kept: in that file, or where all who share the stack reach it."""
        return self.states.store_of(self.config.name)

    @property
    def recorded(self) -> State | None:
        """What is recorded, whoever's it is; None before `up`. StateError when it is damaged."""
        loaded: StateFile | None = vars(self).get("state")
        return loaded.state if loaded else self.states.of(self.config.name)

    @cached_property
    def found(self) -> Found | None:
        """What is deployed as AWS shows it, where no state here knows it; None where one does.

        A local cloud is its folder's alone: nothing is looked for there.
        """
        recorded = self.recorded
        if self.target.local or (recorded is not None and recorded.is_used):
            return None
        from batchctl.application.found import asked, find_deployed  # noqa: PLC0415 - loads boto3

        with asked():
            return find_deployed(self.aws, self.config, doors_only=self.needs_doors_only)

    @property
    def deployed(self) -> State | None:
        """What is deployed: as it is recorded here, or else as it was found."""
        return self.found.state if self.found else self.recorded

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
            from batchctl.application.local_cloud import (  # noqa: PLC0415 - loads boto3
                open_local_cloud,
            )

            return open_local_cloud(
                self.target,
                self.config,
                self.local_ports,
                self.on_event,
                recorded_only=self.recorded_only,
            )
        from batchctl.application.account import open_account  # noqa: PLC0415 - loads boto3

        return open_account(self.target, self.config)

    @cached_property
    def state(self) -> StateFile:
        """The state, of this account and region only."""
        identity = StateIdentity(self.aws.stack, self.aws.account, self.aws.region)
        return StateFile.of(self.states.of(self.config.name), self.store, identity)

    @property
    def has_new_code(self) -> bool:
        """Whether the folder of compute.py has changed since `up`; False where none is known."""
        from batchctl.application.image import (  # noqa: PLC0415 - few need it
            contents_of,
            deployed_contents,
        )

        deployed = deployed_contents(self.recorded)
        if deployed is None:
            return False
        try:
            now = contents_of(self.target, self.config)
        except BatchctlError:  # what is wrong with it concerns the next `up`
            return False
        return now not in {None, deployed}

    def local_settings(self) -> Settings:
        """Return how the local cloud is to run for it; UsageError when that can't be."""
        from batchctl.application.local_cloud import local_settings  # noqa: PLC0415 - loads boto3

        return local_settings(self.target, self.config, self.local_ports)

    @cached_property
    def local_ports(self) -> Ports:
        """The ports of the local cloud, as it runs or is to run."""
        return local_ports(self.target, self.config)

    @cached_property
    def front_door(self) -> FrontDoor:
        """The front door that is deployed, or else the one that config.yaml asks for."""
        port = self.local_ports.load_balancer if self.target.local else None
        url = f"http://127.0.0.1:{port}" if port else None
        deployed = self.recorded
        # Where nobody can be asked, it is as if there were nothing.
        with suppress(BatchctlError):
            deployed = self.deployed
        return front_door_of(self.config, deployed, local_url=url)

    @property
    def endpoint(self) -> str:
        """The URL of the deployed API, without a slash at its end; NotDeployed when there is none.

        Nor does a local cloud that isn't this folder's have one.
        """
        self._require_deployed()
        if self.front_door.url:
            return self.front_door.url
        for failed in self.found.failed.values() if self.found else ():
            raise failed
        raise NotDeployed(
            f"could not find the endpoint: `{self.config.name}` has no load balancer and no REST "
            "API",
            hint=TRY_IT,
        )

    def _require_deployed(self) -> None:
        """Raise NotDeployed, before anything is asked or started, when there is nothing to ask."""
        if "state" in vars(self):
            return
        self.recorded  # noqa: B018 - what is wrong with it is said as it is
        try:
            deployed = self.deployed
        except BatchctlError as error:
            raise NotDeployed(
                f"could not find application `{self.config.name}`: it is not deployed from here "
                f"(`{self.store.name}` does not exist), and AWS can't be asked: {error.message}",
                hint="; ".join(filter(None, (error.hint, TRY_IT))),
            ) from error
        require_recorded(self.target, self.config.name, deployed, self.store.name)
        if self.target.local:
            require_running(self.target, self.local_ports.load_balancer)

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
        from batchctl.jobs.control import JobChanges  # noqa: PLC0415 - loads boto3

        tracker = tracker_of(self.recorded_resources)
        return JobChanges(self.aws, tracker)

    def logs(self, job_id: str, item: str | None = None) -> JobLogs:
        """Return the logs of a job, or of the tasks that work on one item; JobNotFound."""
        from batchctl.application.logs import logs_of  # noqa: PLC0415 - loads boto3

        resources = job_resources_of(self.recorded_resources)
        return logs_of(self.aws, resources, job_id, item)

    def job_cost(self, job_id: str) -> JobCost:
        """Return what a job has cost so far, as AWS Batch and EC2 say; JobNotFound."""
        from batchctl.application.job_cost import job_cost_of  # noqa: PLC0415 - loads boto3

        now_ms = int(time.time() * 1000)
        return job_cost_of(self.aws, job_resources_of(self.recorded_resources), job_id, now_ms)

    def estimate(self, client: JobsClient, items: int) -> Estimate | None:
        """Return what a job of so many items would take; None while no item is known.

        By the items of the last jobs, and Spot's prices where AWS may be asked for them.
        """
        from batchctl.jobs.cost.estimate import estimate, sample  # noqa: PLC0415 - few need it

        found, compute = sample(client), self.config.compute
        at_once = max(1, int(self._machines.most_vcpus / compute.vcpus))
        return estimate(items, found, at_once, self._price_of_a_task_hour() if found.jobs else None)

    def _price_of_a_task_hour(self) -> Range | None:
        """Return it in US dollars on Spot; None where nobody says, and on the local cloud."""
        if self.target.local:
            return None
        from batchctl.application.job_cost import price_now  # noqa: PLC0415 - loads boto3

        compute = self.config.compute
        memory_mib = compute.memory_sizes_mib[0]
        now_ms = int(time.time() * 1000)
        try:
            resources = job_resources_of(self.recorded_resources)
            return price_now(self.aws, resources, compute.vcpus, memory_mib, now_ms)
        except BatchctlError:
            return None

    def why(self, job_id: str, *, assume_api_role: bool = False) -> Diagnosis:
        """Return what AWS says about a job, the likely causes and what to do; JobNotFound."""
        from batchctl.application.diagnosis import diagnosis_of  # noqa: PLC0415 - loads boto3

        client = self.jobs(assume_api_role=assume_api_role)
        resources = job_resources_of(self.recorded_resources)
        return diagnosis_of(self.aws, resources, client, job_id, self._machines)

    def turns(self, job_id: str) -> Turns | None:
        """Return what else is in the queue beside a job, as AWS Batch says.

        None where the caller's own credentials don't allow to ask: whoever may call the API.
        """
        from botocore.exceptions import (  # noqa: PLC0415 - few need it
            BotoCoreError,
            ClientError,
        )

        from batchctl.application.diagnosis import turns_of  # noqa: PLC0415 - loads boto3

        try:
            resources = job_resources_of(self.recorded_resources)
            return turns_of(self.aws, resources, job_id, self._machines)
        except (BatchctlError, ClientError, BotoCoreError):
            return None

    @property
    def _machines(self) -> Machines:
        from batchctl.application.diagnosis import Machines  # noqa: PLC0415 - loads boto3
        from batchctl.application.local_cloud import machine_vcpus  # noqa: PLC0415 - loads boto3

        compute = self.config.compute
        environments = 2 if compute.on_demand_fallback else 1
        in_aws = environments * compute.max_vcpus
        most = machine_vcpus(self.config) if self.target.local else in_aws
        return Machines(most, compute.memory_sizes_mib)

    def dead_letters(self) -> tuple[DeadLetterQueue, ...]:
        """Return the queues of failed messages that there are; UsageError before `up`."""
        from batchctl.application.dead_letters import dead_letter_queues  # noqa: PLC0415 - loads boto3

        recorded = self.recorded_resources
        return dead_letter_queues(self.aws, recorded)

    def console_page(self, page: str) -> str:
        """Return the address of a page of the AWS console, by its name; UsageError before `up`."""
        if self.target.local:
            raise UsageError(
                "could not open the AWS console: the local cloud has none",
                hint="`batchctl status` and `batchctl jobs` show what is there",
            )
        from batchctl.application.console_pages import console_pages  # noqa: PLC0415 - here alone

        region = self.state.state.identity.region
        return console_pages(self.recorded_resources, region)[page]

    @property
    def recorded_resources(self) -> Recorded:
        """Where what it is made of lies in AWS; NotDeployed when there is nothing."""
        self._require_deployed()
        if self.found:
            return Recorded(self.found.state, self.store.name, self.found.failed)
        return Recorded(self.state.state, self.store.name)

    def _forget(self, *names: str) -> None:
        """Have what was looked up be looked up again."""
        for name in names:
            vars(self).pop(name, None)
