"""IAM is enforced for real: take a statement out of a role's policy, and what needs it fails."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import boto3
import pytest
from application import REGION, Application
from botocore.exceptions import ClientError
from own_compute import eventually
from slices import one_in

from batchctl.runner.job_table import JobTable, Outcome, Slice

pytestmark = pytest.mark.e2e

NUMBERS = itertools.count()
ROLES = {
    "receiver": "batchapp-TaskReceiver-role",
    "splitter": "batchapp-JobSplitter-role",
    "api": "batchapp-JobAPI-role",
    "tracker": "batchapp-JobTracker-role",
    "job": "batchapp-job",
}


@contextmanager
def without(application: Application, role: str, sid: str) -> Iterator[None]:
    """Take a statement out of a role's policy for the block."""
    iam, name = application.client("iam"), ROLES[role]
    policy = iam.get_role_policy(RoleName=name, PolicyName="batchctl")["PolicyDocument"]
    left = [each for each in policy["Statement"] if each["Sid"] != sid]
    assert len(left) == len(policy["Statement"]) - 1
    if left:
        shrunk = json.dumps({**policy, "Statement": left})
        iam.put_role_policy(RoleName=name, PolicyName="batchctl", PolicyDocument=shrunk)
    else:
        iam.delete_role_policy(RoleName=name, PolicyName="batchctl")
    try:
        yield
    finally:
        document = json.dumps(policy)
        iam.put_role_policy(RoleName=name, PolicyName="batchctl", PolicyDocument=document)


def submitted(application: Application) -> tuple[int, str]:
    """Submit a job of one item; return the status of the answer, and the job's id."""
    job_id = f"job-{next(NUMBERS)}"
    job = {"job_id": job_id, "universe": ["AAPL"], "parameters": {"paths": 1000}}
    return application.request("PUT", "/v1/new-task", job).status, job_id


def status_within(application: Application, job_id: str, seconds: float) -> str:
    """Return the job's status when it has ended, or what it is after so many seconds."""
    deadline = time.monotonic() + seconds
    while True:
        status = str(application.request("GET", f"/v1/tasks/{job_id}").body["status"])
        if status in {"SUCCEEDED", "FAILED"} or time.monotonic() > deadline:
            return status
        time.sleep(0.2)


def job_table(application: Application) -> JobTable:
    """Return the job table as a container has it: with credentials of the job's role."""
    role = application.client("iam").get_role(RoleName=ROLES["job"])["Role"]["Arn"]
    session = application.client("sts").assume_role(RoleArn=role, RoleSessionName="test")
    given = session["Credentials"]
    client = boto3.client(
        "dynamodb",
        region_name=REGION,
        endpoint_url=f"http://127.0.0.1:{application.gateway_port}",
        aws_access_key_id=given["AccessKeyId"],
        aws_secret_access_key=given["SecretAccessKey"],
        aws_session_token=given["SessionToken"],
    )
    return JobTable(client, "batchapp-jobs")


def test_with_every_statement_in_place_the_job_succeeds(deployed: Application) -> None:
    code, job_id = submitted(deployed)
    assert code == 202
    assert status_within(deployed, job_id, 120) == "SUCCEEDED"


@pytest.mark.parametrize("sid", ["StoreJobs", "QueueJobs"])
def test_without_its_statement_the_receiver_takes_no_job(deployed: Application, sid: str) -> None:
    with without(deployed, "receiver", sid):
        assert submitted(deployed)[0] == 503


@pytest.mark.parametrize("sid", one_in(3, ["SubmitJobs", "ReadAndMarkJobs", "MarkJobs"]))
def test_without_its_statement_the_splitter_submits_nothing(
    deployed: Application, sid: str
) -> None:
    with without(deployed, "splitter", sid):
        code, job_id = submitted(deployed)
        assert code == 202
        assert status_within(deployed, job_id, 3) == "QUEUED"


@pytest.mark.parametrize("sid", ["ReadJobs", "DescribeJobs"])
def test_without_its_statement_the_api_does_not_answer(deployed: Application, sid: str) -> None:
    _, job_id = submitted(deployed)
    with without(deployed, "api", sid):
        assert deployed.request("GET", f"/v1/tasks/{job_id}").status == 503


def test_without_its_statement_the_api_lists_nothing(deployed: Application) -> None:
    with without(deployed, "api", "ListJobs"):
        assert deployed.request("GET", "/v1/tasks").status == 503


@pytest.mark.parametrize("sid", ["ReadSlice", "RecordResults"])
def test_without_its_statement_the_containers_calls_are_refused(
    deployed: Application, sid: str
) -> None:
    """The calls are made by the runner's own code, which would repeat them for a minute."""
    _, job_id = submitted(deployed)
    assert status_within(deployed, job_id, 120) == "SUCCEEDED"
    table = job_table(deployed)

    def call() -> None:
        if sid == "ReadSlice":
            assert table.read(Slice(job_id, 0, 1)).total == 1
        else:
            assert table.record(job_id, "MSFT", Outcome("{}", None, 1, 0.5), None)

    call()
    with without(deployed, "job", sid), pytest.raises(ClientError, match="AccessDenied"):
        call()


@pytest.mark.exhaustive
def test_without_its_statements_the_container_records_nothing_and_the_job_fails(
    deployed: Application,
) -> None:
    """What is refused is asked for again for a minute: a new right may come that late."""
    with without(deployed, "job", "RecordResults"):
        _, not_recorded = submitted(deployed)
        eventually(
            lambda: deployed.job(not_recorded), lambda job: job["item_counts"]["running"] == 1
        )
        with without(deployed, "job", "ReadSlice"):
            _, not_read = submitted(deployed)
            for job_id in (not_recorded, not_read):
                assert status_within(deployed, job_id, 150) == "FAILED"
                assert deployed.results(job_id)["AAPL"]["reason"] == "TABLE"


def test_without_its_statement_the_containers_progress_alone_is_missing(
    deployed: Application,
) -> None:
    with without(deployed, "job", "RecordProgress"):
        _, job_id = submitted(deployed)
        assert status_within(deployed, job_id, 120) == "SUCCEEDED"


@pytest.mark.parametrize(
    ("sids", "action"),
    [
        # One of them is enough: what the tracker may not end it leaves to the splitter.
        (("TerminateJobs", "QueueJobsAndDeadLetters"), "cancel"),
        (("QueueJobsAndDeadLetters",), "retry"),
    ],
)
def test_without_its_statements_the_tracker_changes_no_job(
    deployed: Application, sids: tuple[str, ...], action: str
) -> None:
    job_id = f"changed-{next(NUMBERS)}"
    job = {"job_id": job_id, "universe": ["A", "B", "C"], "parameters": {"paths": 1_000_000}}
    assert deployed.request("PUT", "/v1/new-task", job).status == 202
    while deployed.request("GET", f"/v1/tasks/{job_id}").body["status"] != "RUNNING":
        time.sleep(0.2)
    if action == "retry":
        deployed.local("cancel", job_id)
    with ExitStack() as taken_out:
        for sid in sids:
            taken_out.enter_context(without(deployed, "tracker", sid))
        assert deployed.local(action, job_id, check=False).returncode == 1
    deployed.local(action, job_id)
    deployed.local("cancel", job_id, check=action == "retry")
    assert deployed.request("GET", f"/v1/tasks/{job_id}").body["status"] == "CANCELLED"


def test_jobs_that_were_submitted_without_the_mark_are_cancelled_all_the_same(
    deployed: Application,
) -> None:
    job_id = f"unmarked-{next(NUMBERS)}"
    job = {"job_id": job_id, "universe": ["A", "B", "C"], "parameters": {"paths": 1_000_000}}
    assert deployed.request("PUT", "/v1/new-task", job).status == 202
    while deployed.request("GET", f"/v1/tasks/{job_id}").body["status"] != "RUNNING":
        time.sleep(0.2)
    batch = deployed.client("batch")
    (array,) = batch.list_jobs(
        jobQueue="batchapp-compute", filters=[{"name": "JOB_NAME", "values": [f"{job_id}-0"]}]
    )["jobSummaryList"]
    tags = batch.describe_jobs(jobs=[array["jobId"]])["jobs"][0]["tags"]
    assert (tags["batchctl:stack"], tags["batchctl:job"]) == ("batchapp", job_id)
    batch.untag_resource(resourceArn=array["jobArn"], tagKeys=list(tags))

    deployed.local("cancel", job_id)

    while (found := batch.describe_jobs(jobs=[array["jobId"]])["jobs"][0])["status"] != "FAILED":
        time.sleep(0.2)
    assert found["isTerminated"]
    assert found["tags"] == tags


def test_without_its_statement_the_tracker_leaves_events_to_the_dead_letters(
    deployed: Application,
) -> None:
    sqs = deployed.client("sqs")
    url = sqs.get_queue_url(QueueName="batchapp-events-dead-letters")["QueueUrl"]
    with without(deployed, "tracker", "RecordJobs"):
        _, job_id = submitted(deployed)
        assert status_within(deployed, job_id, 120) == "SUCCEEDED"
        # Earlier tests have left some as well.
        eventually(
            lambda: str(sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20).get("Messages")),
            lambda letters: job_id in letters,
        )


def test_a_statement_that_others_took_out_is_drift_and_up_puts_it_back(
    deployed: Application,
) -> None:
    with without(deployed, "api", "ListJobs"):
        plan = deployed.local("plan")
        assert "role.api" in plan.stdout
        deployed.local("up", "--yes")
        assert deployed.request("GET", "/v1/tasks").status == 200
