"""The local Batch in one process for tests: a real boto3 client in front, scripted runs behind.

Nothing goes over a network and nothing sleeps: the client's requests are handed to the endpoint,
time passes with `advance`, and an attempt runs until the test ends it.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import boto3
from botocore.awsrequest import AWSPreparedRequest, AWSResponse

from batchctl.local.batch.api.endpoint import Answer, Endpoint
from batchctl.local.batch.api.service import Batch, BatchConfig
from batchctl.local.batch.model.job import Job
from batchctl.local.batch.model.job_store import Observer
from batchctl.local.batch.model.scope import Scope
from batchctl.local.batch.running.task import Handle, Outcome, Reports, Task

TRANSITION_S = 1.0
STOP_GRACE_S = 30.0
LINKED_ROLE = (
    "arn:aws:iam::000000000000:role/aws-service-role/batch.amazonaws.com/AWSServiceRoleForBatch"
)

COMPUTE_RESOURCES: dict[str, Any] = {
    "type": "SPOT",
    "allocationStrategy": "SPOT_PRICE_CAPACITY_OPTIMIZED",
    "maxvCpus": 4,
    "subnets": ["subnet-1"],
    "securityGroupIds": ["sg-1"],
    "instanceTypes": ["default_x86_64"],
    "instanceRole": "batchapp-instance",
}

CONTAINER: dict[str, Any] = {
    "image": "batchapp:1",
    "command": ["python", "runner.py"],
    "resourceRequirements": [
        {"type": "VCPU", "value": "1"},
        {"type": "MEMORY", "value": "1024"},
    ],
}


# One for all tests: it keeps the service model, which takes long to load.
SESSION = boto3.session.Session(
    aws_access_key_id="000000000000",
    aws_secret_access_key="secret",
    region_name="us-east-1",
)


class RecordedHandle:
    """What the scheduler did to an attempt."""

    def __init__(self) -> None:
        self.signals: list[str] = []

    def terminate(self) -> None:
        self.signals.append("TERM")

    def kill(self) -> None:
        self.signals.append("KILL")


class ScriptedRunner:
    """Keeps the attempts that were started, for the test to end."""

    def __init__(self) -> None:
        self.tasks: list[Task] = []
        self.handles: dict[str, RecordedHandle] = {}

    def run(self, task: Task, reports: Reports) -> Handle:
        self.tasks.append(task)
        self.handles[task.id] = RecordedHandle()
        return self.handles[task.id]


class PlainAccount:
    """An account in which nothing is wrong, unless the test says so."""

    def __init__(self) -> None:
        self.problem: str | None = None

    def problem_with(self, environment: Mapping[str, Any]) -> str | None:
        return self.problem

    def credentials(self, role_arn: str, session: str) -> Mapping[str, str]:
        return {"AWS_ACCESS_KEY_ID": f"key of {role_arn}"}

    def create_log_stream(self, group: str, stream: str) -> None:
        return

    def put_log_events(self, group: str, stream: str, events: list[dict[str, Any]]) -> None:
        return


class LocalBatch:
    """Batch with its client, its clock and its attempts."""

    def __init__(self, observers: Sequence[Observer] = (), vcpus: int = 8) -> None:
        self.now = 1_000_000.0
        self.runner, self.account = ScriptedRunner(), PlainAccount()
        self.changes: list[tuple[str, str]] = []
        self.denied_arns: set[str] = set()
        scope = Scope("us-east-1", "000000000000")
        machine = BatchConfig(
            scope, lambda: self.now, vcpus, self.account, self.runner, TRANSITION_S, STOP_GRACE_S
        )
        self.service = Batch(machine, [self._note, *observers])
        self.client = client_of(Endpoint(self.service), self._authorise)

    def advance(self, seconds: float = 0.0) -> None:
        """Let time pass, and the service do what is due."""
        self.now += seconds
        self.service.tick()

    def environment(self, name: str = "spot", **resources: Any) -> None:
        """Make a VALID compute environment."""
        self.client.create_compute_environment(
            computeEnvironmentName=name,
            type="MANAGED",
            computeResources=COMPUTE_RESOURCES | resources,
        )
        self.advance(TRANSITION_S)

    def queue(self, name: str = "work", *environments: str, priority: int = 1) -> None:
        """Make a VALID job queue."""
        order = [
            {"order": position, "computeEnvironment": environment}
            for position, environment in enumerate(environments or ("spot",), start=1)
        ]
        self.client.create_job_queue(
            jobQueueName=name, priority=priority, computeEnvironmentOrder=order
        )
        self.advance(TRANSITION_S)

    def definition(self, name: str = "compute", **members: Any) -> str:
        """Register a job definition and return its ARN."""
        container = CONTAINER | members.pop("containerProperties", {})
        answer = self.client.register_job_definition(
            jobDefinitionName=name, type="container", containerProperties=container, **members
        )
        return str(answer["jobDefinitionArn"])

    def submit(self, **members: Any) -> str:
        """Submit a job to `work` and return its id."""
        defaults = {"jobName": "job", "jobQueue": "work", "jobDefinition": "compute"}
        answer = self.client.submit_job(**(defaults | members))
        self.advance()
        return str(answer["jobId"])

    def job(self, job_id: str) -> dict[str, Any]:
        """Describe a job."""
        found: list[dict[str, Any]] = self.client.describe_jobs(jobs=[job_id])["jobs"]
        return found[0]

    def status(self, job_id: str) -> str:
        """Return a job's status."""
        return str(self.job(job_id)["status"])

    def run(self, job_id: str) -> Task:
        """Report that a STARTING job's process runs, and return its task."""
        task = self.task(job_id)
        self.service.started(task.id)
        return task

    def end(self, job_id: str, exit_code: int | None = 0, reason: str | None = None) -> None:
        """Report the end of a job's attempt."""
        self.service.ended(self.task(job_id).id, Outcome(exit_code, reason))
        self.advance()

    def task(self, job_id: str) -> Task:
        """Return the latest attempt of a job."""
        return [task for task in self.runner.tasks if task.job_id == job_id][-1]

    def signals(self, job_id: str) -> list[str]:
        """Return what was sent to the latest attempt of a job."""
        return self.runner.handles[self.task(job_id).id].signals

    def running(self) -> list[str]:
        """Return the ids of the jobs whose attempts were started, in that order."""
        return [task.job_id for task in self.runner.tasks]

    def _note(self, job: Job) -> None:
        self.changes.append((job.id, job.status.value))

    def _authorise(self, action: str, arn: str) -> Answer | None:
        if arn not in self.denied_arns:
            return None
        body = {"__type": "AccessDeniedException", "message": f"{action} on {arn}"}
        return 403, {"x-amzn-errortype": "AccessDeniedException"}, json.dumps(body).encode()


def client_of(endpoint: Endpoint, authorise: Callable[[str, str], Answer | None]) -> Any:
    """Return a boto3 client whose requests go to `endpoint` and nowhere else."""

    def serve(request: AWSPreparedRequest, **_: Any) -> Any:
        url = urlsplit(request.url)
        body: Any = request.body or b""
        content = body.encode() if isinstance(body, str) else body
        status, headers, answer = endpoint.answer(
            request.method, unquote(url.path), parse_qs(url.query), content, authorise
        )
        named: Any = headers
        return AWSResponse(request.url, status, named, RawAnswer(answer))

    client = SESSION.client("batch", endpoint_url="http://127.0.0.1:1")
    client.meta.events.register("before-send.batch", serve)
    return client


class RawAnswer(io.BytesIO):
    """A body as urllib3 gives it to botocore."""

    def stream(self, **_: Any) -> Any:
        yield self.read()
