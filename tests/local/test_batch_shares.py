"""Fair-share queues: policies as AWS keeps them, and turns that follow usage, weight, priority."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from botocore.exceptions import ClientError
from local_batch import TRANSITION_S, LocalBatch

MINUTE_S = 60.0


@pytest.fixture
def fair(batch: LocalBatch) -> LocalBatch:
    """A queue `work` with a fair-share policy `shares`, over an environment of 4 vCPUs."""
    batch.environment()
    policy = batch.client.create_scheduling_policy(name="shares")["arn"]
    add_queue(batch, schedulingPolicyArn=policy)
    batch.definition()
    return batch


def add_queue(batch: LocalBatch, name: str = "work", **members: Any) -> None:
    order = [{"order": 1, "computeEnvironment": "spot"}]
    batch.client.create_job_queue(
        jobQueueName=name, priority=1, computeEnvironmentOrder=order, **members
    )
    batch.advance(TRANSITION_S)


def set_policy(batch: LocalBatch, **fairshare: Any) -> None:
    arn = batch.client.list_scheduling_policies()["schedulingPolicies"][0]["arn"]
    batch.client.update_scheduling_policy(arn=arn, fairsharePolicy=fairshare)


def submit(batch: LocalBatch, share: str, size: int = 100, priority: int = 0) -> str:
    return batch.submit(
        arrayProperties={"size": size}, shareIdentifier=share, schedulingPriorityOverride=priority
    )


def end_one(batch: LocalBatch, job_id: str, after_s: float = MINUTE_S) -> None:
    """Let the running child of a job that was started first end after some time."""
    batch.advance(after_s)
    running = (task.job_id for task in batch.runner.tasks if task.job_id.startswith(job_id))
    batch.end(next(each for each in running if batch.status(each) == "STARTING"))


def in_use(batch: LocalBatch) -> Counter[str]:
    return Counter(
        batch.job(child)["shareIdentifier"]
        for child in batch.running()
        if batch.status(child) == "STARTING"
    )


def test_a_small_job_starts_at_the_next_free_place_beside_thousands(fair: LocalBatch) -> None:
    first, second = submit(fair, "big1", 2000), submit(fair, "big2", 2000)
    small = submit(fair, "small", 3)
    for _ in range(4):
        end_one(fair, first)
    started = Counter(child.partition(":")[0] for child in fair.running()[-4:])
    assert started == {small: 2, second: 1, first: 1}


def test_shares_with_the_same_weight_have_as_much_in_use(fair: LocalBatch) -> None:
    first = submit(fair, "one")
    submit(fair, "two")
    assert in_use(fair) == {"one": 4}
    for _ in range(2):
        end_one(fair, first)
    assert in_use(fair) == {"one": 2, "two": 2}


def test_a_share_of_a_quarter_of_the_weight_gets_four_times_as_much(fair: LocalBatch) -> None:
    weights = [{"shareIdentifier": "vip*", "weightFactor": 0.25}]
    set_policy(fair, shareDistribution=weights)
    jobs = [submit(fair, "vip1", 100), submit(fair, "plain", 100)]
    for ended in range(60):
        fair.advance(MINUTE_S)
        fair.end(fair.running()[ended])
    started = Counter(child.partition(":")[0] for child in fair.running())
    assert 3 < started[jobs[0]] / started[jobs[1]] < 5


def test_what_a_share_has_used_before_counts_and_is_forgotten_in_time(fair: LocalBatch) -> None:
    used = submit(fair, "used", 4)
    for _ in range(4):
        end_one(fair, used, 10 * MINUTE_S)
    blocker = submit(fair, "blocker", 4)
    submit(fair, "used")
    fresh = submit(fair, "fresh")
    end_one(fair, blocker, 1.0)
    assert fair.running()[-1].startswith(fresh)


def test_within_a_share_the_higher_priority_goes_first_then_the_older(fair: LocalBatch) -> None:
    running = submit(fair, "one", 4)
    low, older, newer = (submit(fair, "one", 2, priority) for priority in (1, 9, 9))
    for _ in range(4):
        end_one(fair, running)
    started = [f"{older}:0", f"{older}:1", f"{newer}:0", f"{newer}:1"]
    assert fair.running()[-4:] == started
    end_one(fair, older)
    assert fair.running()[-1] == f"{low}:0"


def test_a_reservation_keeps_room_for_shares_that_have_no_jobs_yet(fair: LocalBatch) -> None:
    set_policy(fair, computeReservation=50)
    submit(fair, "one")
    assert in_use(fair) == {"one": 2}
    submit(fair, "two")
    assert in_use(fair) == {"one": 2, "two": 1}


def test_a_job_shows_its_share_and_its_priority(fair: LocalBatch) -> None:
    fair.definition("ranked", schedulingPriority=7)
    job = fair.job(fair.submit(jobDefinition="ranked", shareIdentifier="one"))
    assert (job["shareIdentifier"], job["schedulingPriority"]) == ("one", 7)
    overridden = fair.submit(
        jobDefinition="ranked", shareIdentifier="one", schedulingPriorityOverride=8
    )
    assert fair.job(overridden)["schedulingPriority"] == 8


@pytest.mark.parametrize(
    ("members", "text"),
    [
        ({"schedulingPriorityOverride": 1}, "shareIdentifier must be specified"),
        ({"shareIdentifier": "a"}, "Either schedulingPriority in job definition or"),
        ({"shareIdentifier": "a-b", "schedulingPriorityOverride": 1}, "shareIdentifier 'a-b'"),
        ({"shareIdentifier": "a", "schedulingPriorityOverride": 10_000}, "between 0 and 9999"),
    ],
)
def test_a_job_without_a_good_share_or_priority_is_refused(
    fair: LocalBatch, members: dict[str, Any], text: str
) -> None:
    with pytest.raises(ClientError, match=text):
        fair.submit(**members)


def test_a_queue_without_a_policy_takes_no_share(ready: LocalBatch) -> None:
    with pytest.raises(ClientError, match="shareIdentifier is for job queues with a fair-share"):
        ready.submit(shareIdentifier="a", schedulingPriorityOverride=1)


def test_a_queue_has_at_most_500_active_shares(fair: LocalBatch) -> None:
    last = [submit(fair, f"share{number}", 2) for number in range(500)][-1]
    with pytest.raises(ClientError, match="at most 500 active share identifiers"):
        submit(fair, "onemore", 2)
    submit(fair, "share7", 2)
    fair.client.terminate_job(jobId=last, reason="enough")
    submit(fair, "onemore", 2)


def test_policies_are_made_described_listed_tagged_and_changed(batch: LocalBatch) -> None:
    fairshare = {
        "shareDecaySeconds": 3600,
        "computeReservation": 10,
        "shareDistribution": [{"shareIdentifier": "a*", "weightFactor": 0.5}],
    }
    made = batch.client.create_scheduling_policy(
        name="shares", fairsharePolicy=fairshare, tags={"team": "x"}
    )
    arn = made["arn"]
    assert arn == "arn:aws:batch:us-east-1:000000000000:scheduling-policy/shares"
    describe = batch.client.describe_scheduling_policies
    assert describe(arns=[arn, arn + "-none"])["schedulingPolicies"] == [
        {"name": "shares", "arn": arn, "fairsharePolicy": fairshare, "tags": {"team": "x"}}
    ]
    assert batch.client.list_scheduling_policies()["schedulingPolicies"] == [{"arn": arn}]
    batch.client.tag_resource(resourceArn=arn, tags={"more": "y"})
    assert batch.client.list_tags_for_resource(resourceArn=arn)["tags"] == {
        "team": "x",
        "more": "y",
    }
    set_policy(batch, shareDecaySeconds=60)
    found = describe(arns=[arn])["schedulingPolicies"][0]["fairsharePolicy"]
    assert found == {"shareDecaySeconds": 60, "computeReservation": 0, "shareDistribution": []}
    batch.client.delete_scheduling_policy(arn=arn)
    assert describe(arns=[arn])["schedulingPolicies"] == []


def test_a_policy_that_a_queue_has_cant_be_deleted(fair: LocalBatch) -> None:
    arn = fair.client.describe_job_queues()["jobQueues"][0]["schedulingPolicyArn"]
    with pytest.raises(ClientError, match="is in use by a job queue"):
        fair.client.delete_scheduling_policy(arn=arn)


def test_a_queues_policy_can_be_replaced_but_not_added(fair: LocalBatch) -> None:
    other = fair.client.create_scheduling_policy(name="other")["arn"]
    fair.client.update_job_queue(jobQueue="work", schedulingPolicyArn=other)
    fair.advance(TRANSITION_S)
    found = fair.client.describe_job_queues(jobQueues=["work"])["jobQueues"][0]
    assert found["schedulingPolicyArn"] == other
    add_queue(fair, "fifo")
    with pytest.raises(ClientError, match="can't be added"):
        fair.client.update_job_queue(jobQueue="fifo", schedulingPolicyArn=other)
    with pytest.raises(ClientError, match="does not exist"):
        fair.client.update_job_queue(jobQueue="work", schedulingPolicyArn=other + "-none")


@pytest.mark.parametrize(
    ("fairshare", "text"),
    [
        ({"shareDecaySeconds": 604_801}, "shareDecaySeconds must be between"),
        ({"computeReservation": 100}, "computeReservation must be between"),
        ({"shareDistribution": [{"shareIdentifier": "a", "weightFactor": 1000.0}]}, "weightFactor"),
        ({"shareDistribution": [{"shareIdentifier": "a b"}]}, "is not valid"),
        (
            {"shareDistribution": [{"shareIdentifier": "a*"}, {"shareIdentifier": "ab"}]},
            "overlap",
        ),
    ],
)
def test_a_policy_that_batch_refuses_is_refused(
    batch: LocalBatch, fairshare: dict[str, Any], text: str
) -> None:
    with pytest.raises(ClientError, match=text):
        batch.client.create_scheduling_policy(name="shares", fairsharePolicy=fairshare)


def test_whoever_makes_a_queue_must_be_allowed_to_use_its_policy(batch: LocalBatch) -> None:
    batch.environment()
    policy = batch.client.create_scheduling_policy(name="shares")["arn"]
    batch.denied_arns.add(policy)
    with pytest.raises(ClientError, match=r"CreateJobQueue on .*scheduling-policy/shares"):
        add_queue(batch, schedulingPolicyArn=policy)
