"""How long trivial items take on the local cloud, by number of tasks; and a small job's turn.

    python bench/local_tasks.py                  # all; the last line is JSON
    python bench/local_tasks.py 200 10000/100    # jobs of so many items, so many in a task
    python bench/local_tasks.py turn             # three items beside 2 x 2,000, by Batch's own API

Each is a local cloud of its own, on ports that are free; without a number of items in a task it is
chosen by default. The processor's seconds are those of all processes while the job runs, where a
control group for them can be made (Linux, as root). See docs/benchmarks.md.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import boto3
from surroundings import free_port, run

CASES = ("200", "2000", "200/1", "10000/100", "turn")
COMPUTE = "def compute(item, parameters):\n    return {}\n"
GROUPS = Path("/sys/fs/cgroup/cpuacct")
SHARES = {"first": 2000, "second": 2000, "small": 3}


def own_group() -> Path | None:
    """Put this process, and so all that it starts, into a control group; None where it can't be."""
    group = GROUPS / f"bench-{os.getpid()}"
    try:
        group.mkdir()
        (group / "cgroup.procs").write_text(str(os.getpid()), encoding="utf-8")
    except OSError:
        return None
    return group


def used_s(group: Path | None) -> float:
    """Return the processor's seconds that a group has used."""
    return 0.0 if group is None else int((group / "cpuacct.usage").read_text()) / 1e9


def job(folder: Path, items: int, group: Path | None) -> dict[str, float]:
    """Return the seconds of a job, the processor's in that time, and those of reading results."""
    universe = "".join(f"S{number:06d}\n" for number in range(items))
    (folder / "universe.txt").write_text(universe, encoding="utf-8")
    started, used_before_s = time.monotonic(), used_s(group)
    arguments = ("--universe-file", "universe.txt", "--wait")
    run(folder, "--local", "submit", "--job-id", "job", *arguments)
    ended, used_after_s = time.monotonic(), used_s(group)
    rows = run(folder, "--local", "results", "job", "--format", "csv").splitlines()
    read = time.monotonic()
    succeeded = sum(",SUCCEEDED," in row for row in rows)
    assert succeeded == items, f"{succeeded} of {items} items have succeeded"
    return {
        "seconds": round(ended - started, 1),
        "cpu_s": round(used_after_s - used_before_s, 1),
        "results": round(read - ended, 1),
    }


def turn(folder: Path) -> dict[str, float]:
    """Return the seconds in which a job of three items ends that was submitted after thousands."""
    given = json.loads(run(folder, "local", "env", "--json"))
    batch = boto3.client(
        "batch",
        region_name=given["AWS_DEFAULT_REGION"],
        endpoint_url=given["AWS_ENDPOINT_URL"],
        aws_access_key_id=given["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=given["AWS_SECRET_ACCESS_KEY"],
    )
    _fair_queue(batch)
    jobs = {share: _submit(batch, share, size) for share, size in SHARES.items()}
    started = time.monotonic()
    while (small := _described(batch, jobs["small"]))["status"] != "SUCCEEDED":
        assert small["status"] != "FAILED", small
        time.sleep(0.1)
    ended = time.monotonic()
    others = [_described(batch, jobs[share])["arrayProperties"] for share in ("first", "second")]
    done = sum(other["statusSummary"]["SUCCEEDED"] for other in others)
    return {"seconds": round(ended - started, 1), "others_done": done}


def _fair_queue(batch: Any) -> None:
    policy = batch.create_scheduling_policy(name="fair")["arn"]
    environments = batch.describe_compute_environments()["computeEnvironments"]
    order = [{"order": 1, "computeEnvironment": environments[0]["computeEnvironmentArn"]}]
    batch.create_job_queue(
        jobQueueName="fair", priority=1, computeEnvironmentOrder=order, schedulingPolicyArn=policy
    )
    batch.register_job_definition(
        jobDefinitionName="nothing",
        type="container",
        schedulingPriority=0,
        containerProperties={
            "image": "nothing",
            "command": ["true"],
            "resourceRequirements": [
                {"type": "VCPU", "value": "1"},
                {"type": "MEMORY", "value": "64"},
            ],
        },
    )
    while batch.describe_job_queues(jobQueues=["fair"])["jobQueues"][0]["status"] != "VALID":
        time.sleep(0.1)


def _submit(batch: Any, share: str, size: int) -> str:
    answer = batch.submit_job(
        jobName=share,
        jobQueue="fair",
        jobDefinition="nothing",
        shareIdentifier=share,
        arrayProperties={"size": size},
    )
    return str(answer["jobId"])


def _described(batch: Any, job_id: str) -> dict[str, Any]:
    found: dict[str, Any] = batch.describe_jobs(jobs=[job_id])["jobs"][0]
    return found


def measure(case: str, group: Path | None) -> dict[str, float]:
    """Return the figures of a case, on a cloud of its own."""
    items, _, items_per_task = case.partition("/")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "compute").mkdir()
        (folder / "compute" / "compute.py").write_text(COMPUTE, encoding="utf-8")
        (folder / "config.yaml").write_text(
            f"api: {{port: {free_port()}}}\nlocal: {{gateway_port: {free_port()}}}\n"
            f"compute: {{items_per_task: {items_per_task or 'auto'}}}\n",
            encoding="utf-8",
        )
        try:
            run(folder, "--local", "up", "--yes")
            return turn(folder) if case == "turn" else job(folder, int(items), group)
        finally:
            run(folder, "local", "stop")


def main() -> None:
    """Measure and print."""
    found, group = {}, own_group()
    for case in sys.argv[1:] or CASES:
        found[case] = measure(case, group)
        print(f"{case:<12} {found[case]}", flush=True)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
