"""From a job to the task that runs one of its attempts: what Batch adds to the container.

Source: AWS Batch User Guide, "AWS Batch job environment variables".
"""

from __future__ import annotations

import uuid

from batchctl.local.batch.model import containers
from batchctl.local.batch.model.job import Job
from batchctl.local.batch.model.lifecycle import Resource
from batchctl.local.batch.model.scope import Scope
from batchctl.local.batch.running.task import Task

DEFAULT_LOG_GROUP = "/aws/batch/job"
"""AWS Batch User Guide, "Job states": where the logs of a job go whose definition names no
group."""


def task_for(job: Job, environment: Resource) -> Task:
    """Return the task for the next attempt of `job` in a compute environment."""
    specification, container = job.specification, job.specification.container
    options = container.get("logConfiguration", {}).get("options", {})
    task_id = uuid.uuid4().hex
    prefix = options.get("awslogs-stream-prefix", specification.definition_name)
    return Task(
        id=task_id,
        job_id=job.id,
        image=container["image"],
        command=specification.command,
        environment=_environment(job, environment),
        role_arn=container.get("jobRoleArn"),
        vcpus=specification.vcpus,
        memory_mib=containers.memory_mib(container),
        log_group=options.get("awslogs-group", DEFAULT_LOG_GROUP),
        log_stream=f"{prefix}/default/{task_id}",
        user=container.get("user"),
    )


def task_arn(task_id: str, environment: Resource, scope: Scope) -> str:
    """Return the ARN that ECS would give the task of an attempt."""
    cluster = f"{environment.name}_Batch_{environment.details['uuid']}"
    return f"arn:{scope.partition}:ecs:{scope.region}:{scope.account}:task/{cluster}/{task_id}"


def _environment(job: Job, environment: Resource) -> dict[str, str]:
    given = {
        variable["name"]: variable.get("value", "")
        for variable in job.specification.container["environment"]
    }
    added = {
        "AWS_BATCH_JOB_ID": job.id,
        "AWS_BATCH_JOB_ATTEMPT": str(len(job.attempts) + 1),
        "AWS_BATCH_JQ_NAME": job.specification.queue,
        "AWS_BATCH_CE_NAME": environment.name,
    }
    if job.parent is not None:
        added["AWS_BATCH_JOB_ARRAY_INDEX"] = str(job.index)
        added["AWS_BATCH_JOB_ARRAY_SIZE"] = str(len(job.parent.children))
    # No region: only recent ECS agents add it, so a job definition has to.
    return given | added
