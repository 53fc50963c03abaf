"""`down` as a user meets it: what it asks, in which order it deletes, what stays and why."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError
from calls import Calls
from click.testing import Result
from left_in_account import left_in

Batchctl = Callable[..., Result]
REGION = "us-east-1"


@dataclass
class Jobs:
    """The jobs that Batch says run, until they are terminated; and what AWS refuses.

    `waiting` is how many SQS says are in the queue.
    """

    waiting: int = 0
    running: set[str] = field(default_factory=set)
    refused: dict[str, str] = field(default_factory=dict)

    def answer(self, operation: str, parameters: Any) -> Any:
        """Return Batch's answer, None where the account in memory is to give it."""
        if operation in self.refused:
            error: Any = {"Error": {"Code": self.refused[operation], "Message": "not now"}}
            raise ClientError(error, operation)
        if operation == "ListJobs":
            here = "batchapp-compute" in parameters["jobQueue"]
            listed = self.running if here and parameters["filters"] else set()
            running = [{"jobId": each, "status": "RUNNING"} for each in sorted(listed)]
            return {"jobSummaryList": running}
        asked = parameters.get("AttributeNames", ())
        if operation == "GetQueueAttributes" and "ApproximateNumberOfMessages" in asked:
            return {"Attributes": {"ApproximateNumberOfMessages": str(self.waiting)}}
        if operation == "TerminateJob":
            self.running.remove(parameters["jobId"])
            return {}
        return None


@pytest.fixture
def jobs(monkeypatch: pytest.MonkeyPatch, calls: Calls) -> Jobs:
    """Batch's answers about jobs, which the account in memory ends at once."""
    jobs, make = Jobs(), vars(BaseClient)["_make_api_call"]

    def answered(client: Any, operation: str, parameters: Any) -> Any:
        answer = jobs.answer(operation, parameters)
        if answer is None:
            return make(client, operation, parameters)
        calls.made.append((client.meta.service_model.service_name, operation, parameters))
        return answer

    monkeypatch.setattr(BaseClient, "_make_api_call", answered)
    return jobs


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Click's test input says that it is a terminal."""
    monkeypatch.setattr("click.testing._NamedTextIOWrapper.isatty", lambda _self: True)


@pytest.fixture
def deployed(account: None, batchctl: Batchctl, calls: Calls, jobs: Jobs) -> None:
    """The application, with two jobs that run."""
    assert batchctl("up", "--yes").exit_code == 0
    jobs.running = {"one", "two"}
    calls.made.clear()


@pytest.mark.usefixtures("deployed", "terminal")
def test_down_asks_before_it_ends_jobs_and_a_no_changes_nothing(
    batchctl: Batchctl, calls: Calls, jobs: Jobs
) -> None:
    answered = batchctl("down", input="n\n")
    assert answered.exit_code == 1
    assert "(ENDS: 2 unfinished jobs)" in answered.stderr
    assert "2 unfinished jobs in job_queue.compute would be ended: continue?" in answered.stderr
    assert "nothing was changed" in answered.stderr
    assert calls.writes == []
    assert jobs.running == {"one", "two"}


@pytest.mark.usefixtures("deployed", "terminal")
def test_down_goes_ahead_after_two_yesses(batchctl: Batchctl, jobs: Jobs) -> None:
    answered = batchctl("down", input="y\ny\n")
    assert answered.exit_code == 0, answered.stderr
    assert jobs.running == set()
    assert set(left_in(REGION)) <= {"roles"}


@pytest.mark.usefixtures("deployed")
def test_without_a_terminal_running_jobs_are_ended_only_with_yes(
    batchctl: Batchctl, calls: Calls, jobs: Jobs
) -> None:
    refused = batchctl("down")
    assert refused.exit_code == 2
    assert "--yes" in refused.stderr
    assert calls.writes == []
    assert batchctl("down", "--yes").exit_code == 0
    assert jobs.running == set()


@pytest.mark.usefixtures("deployed", "terminal")
def test_without_running_jobs_there_is_one_question(batchctl: Batchctl, jobs: Jobs) -> None:
    jobs.running.clear()
    answered = batchctl("down", input="n\n")
    assert "would be ended" not in answered.stderr
    assert "delete these 43 resources?" in answered.stderr


@pytest.mark.usefixtures("deployed", "terminal")
@pytest.mark.parametrize(
    ("waiting", "said"), [(1, "1 job waits in the queue"), (3, "3 jobs wait in the queue")]
)
def test_down_says_how_many_jobs_wait_to_be_started_before_it_asks(
    batchctl: Batchctl, calls: Calls, jobs: Jobs, waiting: int, said: str
) -> None:
    jobs.waiting = waiting
    asked = batchctl("down", input="n\n").stderr
    assert f"{said} and will not start" in asked
    assert asked.index(said) < asked.index("would be ended")
    assert calls.writes == []


@pytest.mark.usefixtures("deployed")
def test_no_work_comes_in_any_more_before_the_queues_and_their_jobs_go(
    batchctl: Batchctl, calls: Calls
) -> None:
    assert batchctl("down", "--yes").exit_code == 0
    # EventBridge has a DeleteRule, too.
    order = [operation for service, operation, _ in calls.made if service != "events"]
    intake = ("DeleteRule", "DeleteEventSourceMapping")
    closed = max(len(order) - 1 - order[::-1].index(each) for each in intake)
    for later in ("DeleteQueue", "UpdateJobQueue", "TerminateJob", "DeleteTable", "DeleteFunction"):
        assert closed < order.index(later), later
    queues = [index for index, operation in enumerate(order) if operation == "DeleteJobQueue"]
    # The queue on demand has no jobs, and may go first.
    assert order.index("TerminateJob") < queues[-1]
    assert queues[0] < order.index("DeleteComputeEnvironment")


@pytest.mark.usefixtures("deployed", "terminal")
def test_the_data_is_asked_for_by_name_also_when_it_is_to_go(
    batchctl: Batchctl, calls: Calls, jobs: Jobs
) -> None:
    jobs.running.clear()
    job = {"job_id": "a", "item": "JOB", "listing": "JOB", "created_at": "2026-01-01"}
    boto3.resource("dynamodb", region_name=REGION).Table("batchapp-jobs").put_item(Item=job)
    calls.made.clear()
    answered = batchctl("down", "--delete-data", input="n\n")
    assert answered.exit_code == 1
    assert "- table.jobs  batchapp-jobs  (DATA IS LOST: 1 job)" in answered.stderr
    assert "table.jobs holds 1 job: delete it as well?" in answered.stderr
    assert calls.writes == []
    assert batchctl("down", "--delete-data", input="y\ny\n").exit_code == 0
    assert "tables" not in left_in(REGION)


@pytest.mark.usefixtures("account")
def test_a_rest_api_answers_nobody_any_more_before_what_it_leads_to_goes(
    batchctl: Batchctl, calls: Calls, jobs: Jobs
) -> None:
    assert batchctl("up", "--yes", "--api-mode", "restapi").exit_code == 0
    jobs.running = {"one"}
    calls.made.clear()
    assert batchctl("down", "--yes").exit_code == 0
    order = [operation for _, operation, _ in calls.made]
    closed = order.index("DeleteStage")
    for later in ("DeleteQueue", "UpdateJobQueue", "TerminateJob", "DeleteTable", "DeleteFunction"):
        assert closed < order.index(later), later


@pytest.mark.usefixtures("account")
def test_a_rest_api_that_stays_is_told_with_what_it_costs(batchctl: Batchctl, jobs: Jobs) -> None:
    assert batchctl("up", "--yes", "--api-mode", "restapi").exit_code == 0
    jobs.refused = {"DeleteStage": "BadRequestException"}
    stopped = batchctl("down", "--yes")
    assert stopped.exit_code == 1
    assert "(failed; is billed by the requests that it answers)" in stopped.stderr
    assert "queue.jobs  batchapp-jobs  (waits for stage.api; costs nothing)" in stopped.stderr


@pytest.mark.usefixtures("deployed")
def test_what_cannot_go_yet_is_told_with_why_and_cost_and_down_again_finishes(
    batchctl: Batchctl, jobs: Jobs
) -> None:
    jobs.refused = {"DeleteLoadBalancer": "OperationNotPermitted"}
    stopped = batchctl("down", "--yes", "--json")
    assert stopped.exit_code == 1
    assert "error: load_balancer.api: DeleteLoadBalancer: OperationNotPermitted" in stopped.stderr
    assert "not deleted yet (`batchctl down` again finishes it):" in stopped.stderr
    assert "(failed; is billed by the hour, used or not)" in stopped.stderr
    assert "(waits for load_balancer.api; costs nothing)" in stopped.stderr
    left = {each["address"]: each["why"] for each in json.loads(stopped.stdout)["left"]}
    assert left == {
        "load_balancer.api": "failed",
        "security_group.load_balancer": "waits for load_balancer.api",
    }
    jobs.refused = {}
    again = batchctl("down", "--yes", "--json")
    assert again.exit_code == 0, again.stderr
    assert json.loads(again.stdout)["left"] == []
    assert set(left_in(REGION)) <= {"roles"}


@pytest.mark.usefixtures("deployed")
def test_down_ends_with_what_it_kept_also_when_something_failed(
    batchctl: Batchctl, jobs: Jobs
) -> None:
    jobs.refused = {"DeleteLoadBalancer": "OperationNotPermitted"}
    kept = "kept service_linked_role.batch (AWSServiceRoleFor"
    assert kept in batchctl("down", "--yes").stderr
    jobs.refused = {}
    assert kept in batchctl("down", "--yes").stderr


@pytest.mark.usefixtures("deployed")
def test_a_lost_login_is_one_error_and_the_same_command_continues(
    batchctl: Batchctl, jobs: Jobs, folder: Path
) -> None:
    jobs.refused = dict.fromkeys(("DeleteRole", "DeleteFunction", "DeleteQueue"), "ExpiredToken")
    stopped = batchctl("down", "--yes")
    assert stopped.exit_code == 1
    assert stopped.stderr.count("error:") == 1
    assert stopped.stderr.count("hint:") == 1
    assert "log in again, then run the same command" in stopped.stderr
    jobs.refused = {}
    assert batchctl("down", "--yes").exit_code == 0
    assert set(left_in(REGION)) <= {"roles"}


@pytest.mark.usefixtures("account")
def test_a_login_lost_in_up_is_one_error_and_up_again_continues(
    batchctl: Batchctl, jobs: Jobs
) -> None:
    jobs.refused = dict.fromkeys(
        ("CreateFunction", "CreateComputeEnvironment", "CreateLoadBalancer"), "ExpiredToken"
    )
    stopped = batchctl("up", "--yes")
    assert stopped.exit_code == 1
    assert stopped.stderr.count("error:") == 1
    assert "what was done is recorded" in stopped.stderr
    jobs.refused = {}
    assert batchctl("up", "--yes").exit_code == 0
    assert "no changes" in batchctl("plan").stdout
