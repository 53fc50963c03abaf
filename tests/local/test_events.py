"""From a change of a job's state to the targets of the rules, with scripted services behind."""

from __future__ import annotations

import json
from typing import Any

import pytest
from local_batch import SESSION, LocalBatch

from batchctl.contract.noteworthy_ends import NOTEWORTHY_ENDS
from batchctl.local.batch.model.job import Job
from batchctl.local.batch.model.scope import Scope
from batchctl.local.events.bus import Bus
from batchctl.local.events.delivery import Delivery
from batchctl.local.events.event import Change, Event, event_of
from batchctl.local.events.permission import permits
from batchctl.local.events.rules import FRESH_S, Rules, Target, looked_at

SCOPE = Scope("us-east-1", "000000000000")
RULE = "arn:aws:events:us-east-1:000000000000:rule/batchapp-jobs"
FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:tracker"
QUEUE = "arn:aws:sqs:us-east-1:000000000000:dead"
PATTERN = json.dumps({"source": ["aws.batch"], "detail": {"status": ["FAILED"]}})


def policy(action: str, rule: str = RULE, operator: str = "ArnLike", **statement: Any) -> str:
    allowed = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": action,
        "Condition": {operator: {"AWS:SourceArn": rule}},
    }
    return json.dumps({"Statement": [allowed | statement]})


class Services:
    """The account: one rule with one target, and what was asked of it."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.rules = [{"Name": "r", "Arn": RULE, "State": "ENABLED", "EventPattern": PATTERN}]
        self.function_policy: str | None = policy("lambda:InvokeFunction")
        self.queue_policy: str | None = policy("sqs:SendMessage", operator="ArnEquals")
        self.function_fails = False
        self._clients = {name: SESSION.client(name) for name in ("events", "lambda", "sqs")}
        for name, client in self._clients.items():
            client.meta.events.register(f"before-call.{name}", self._answer)

    def __call__(self, service: str) -> Any:
        return self._clients[service]

    def named(self, operation: str) -> list[dict[str, Any]]:
        return [parameters for name, parameters in self.calls if name == operation]

    def _answer(self, model: Any, params: dict[str, Any], **_: Any) -> Any:
        body = params["body"]
        content = json.loads(body) if body else {}
        invocation = params["headers"].get("X-Amz-Invocation-Type")
        self.calls.append(
            (model.name, content if invocation is None else {"type": invocation, "event": content})
        )
        status, answer = 200, getattr(self, f"_{model.name.lower()}")(content)
        if answer is None:
            status, answer = 404, {"Error": {"Code": "ResourceNotFoundException", "Message": "no"}}
        metadata = {"HTTPStatusCode": status, "HTTPHeaders": {}, "RequestId": "1"}
        return type("Raw", (), {"status_code": status})(), answer | {"ResponseMetadata": metadata}

    def _listrules(self, _: Any) -> Any:
        return {"Rules": self.rules}

    def _listtargetsbyrule(self, _: Any) -> Any:
        return {"Targets": [{"Id": "1", "Arn": FUNCTION, "DeadLetterConfig": {"Arn": QUEUE}}]}

    def _testeventpattern(self, content: Any) -> Any:
        return {"Result": json.loads(content["Event"])["detail"]["status"] == "FAILED"}

    def _getpolicy(self, _: Any) -> Any:
        return self.function_policy and {"Policy": self.function_policy}

    def _invoke(self, _: Any) -> Any:
        failed = {"FunctionError": "Unhandled"} if self.function_fails else {}
        return {"Payload": type("Body", (), {"read": lambda _: b"{}"})(), **failed}

    def _getqueueurl(self, _: Any) -> Any:
        return {"QueueUrl": "http://127.0.0.1:1/dead"}

    def _getqueueattributes(self, _: Any) -> Any:
        return {"Attributes": {"Policy": self.queue_policy}} if self.queue_policy else {}

    def _sendmessage(self, _: Any) -> Any:
        return {"MessageId": "1", "MD5OfMessageBody": "x"}


@pytest.fixture
def services() -> Services:
    return Services()


@pytest.fixture
def changes() -> list[Change]:
    return []


@pytest.fixture
def observed(changes: list[Change]) -> LocalBatch:
    """A Batch with a queue and a definition, whose changes are noted as events have them."""

    def note(job: Job) -> None:
        changes.append(Change(job, job.status, job.status_reason, 1_000_000.0))

    batch = LocalBatch([note])
    batch.environment()
    batch.queue()
    batch.definition()
    return batch


def ended(batch: LocalBatch, exit_code: int) -> str:
    job_id = batch.submit()
    batch.run(job_id)
    batch.end(job_id, exit_code)
    return job_id


def failed_event(observed: LocalBatch, changes: list[Change]) -> Event:
    ended(observed, 1)
    return event_of(changes[-1], SCOPE)


def target(**fields: Any) -> Target:
    return Target(FUNCTION, RULE, QUEUE, **fields)


def test_an_event_has_the_form_that_batch_gives_it(
    observed: LocalBatch, changes: list[Change]
) -> None:
    job_id = ended(observed, 3)

    event = event_of(changes[-1], SCOPE)

    arn = f"arn:aws:batch:us-east-1:000000000000:job/{job_id}"
    assert {name: event[name] for name in event if name not in {"id", "detail"}} == {
        "version": "0",
        "detail-type": "Batch Job State Change",
        "source": "aws.batch",
        "account": "000000000000",
        "time": "1970-01-12T13:46:40Z",
        "region": "us-east-1",
        "resources": [arn],
    }
    described = observed.job(job_id)
    detail = event["detail"]
    assert (detail["jobArn"], detail["jobId"], detail["jobName"]) == (arn, job_id, "job")
    assert detail["jobQueue"] == described["jobQueue"]
    assert detail["attempts"] == described["attempts"]
    assert detail["container"]["exitCode"] == 3


def test_each_change_has_its_own_status_though_the_job_has_gone_on(
    observed: LocalBatch, changes: list[Change]
) -> None:
    ended(observed, 0)
    statuses = [event_of(change, SCOPE)["detail"]["status"] for change in changes]
    assert statuses == ["SUBMITTED", "RUNNABLE", "STARTING", "RUNNING", "SUCCEEDED"]
    assert "statusReason" not in event_of(changes[1], SCOPE)["detail"]


def test_the_children_of_an_array_have_events_of_their_own(
    observed: LocalBatch, changes: list[Change]
) -> None:
    job_id = observed.submit(arrayProperties={"size": 2})
    told = [event_of(change, SCOPE)["detail"] for change in changes]
    assert {(each["jobId"], each["status"]) for each in told} >= {
        (job_id, "PENDING"),
        (f"{job_id}:0", "RUNNABLE"),
        (f"{job_id}:1", "STARTING"),
    }


def test_the_submission_itself_makes_no_event_and_the_end_makes_one(
    observed: LocalBatch, changes: list[Change], services: Services
) -> None:
    rules = Rules(lambda: services("events"), lambda: 0.0)
    bus = Bus(SCOPE, lambda: 0.0, rules, Delivery(services))
    job_id = observed.client.submit_job(jobName="job", jobQueue="work", jobDefinition="compute")[
        "jobId"
    ]
    job = changes[-1].job
    bus.observe(job)
    observed.advance()
    observed.run(job_id)
    observed.end(job_id, 1)
    bus.observe(job)
    bus.close()

    bus.run()

    assert len(services.named("TestEventPattern")) == 1
    assert len(services.named("Invoke")) == 1


def test_rules_are_asked_once_for_events_that_look_the_same_to_them(services: Services) -> None:
    rules = Rules(lambda: services("events"), lambda: 0.0)
    for status in ("FAILED", "RUNNING") * 50:
        event = {"source": "aws.batch", "id": str(status), "detail": {"status": status}}
        found = rules.targets(event | {"id": object.__hash__(event)})
        assert bool(found) == (status == "FAILED")
    assert len(services.named("TestEventPattern")) == 2
    assert len(services.named("ListRules")) == 1


def test_rules_are_read_again_when_they_are_not_fresh(services: Services) -> None:
    now = [0.0]
    rules = Rules(lambda: services("events"), lambda: now[0])
    event = {"source": "aws.batch", "detail": {"status": "FAILED"}}
    assert [each.arn for each in rules.targets(event)] == [FUNCTION]
    services.rules = []
    assert rules.targets(event)
    now[0] = 2 * FRESH_S
    assert rules.targets(event) == []


def test_a_disabled_rule_gets_nothing(services: Services) -> None:
    services.rules[0]["State"] = "DISABLED"
    event = {"source": "aws.batch", "detail": {"status": "FAILED"}}
    assert Rules(lambda: services("events"), lambda: 0.0).targets(event) == []


def test_what_a_pattern_looks_at_is_all_that_decides() -> None:
    event = {"source": "aws.batch", "id": "1", "detail": {"status": "FAILED", "jobId": "x"}}
    pattern = {"source": ["aws.batch"], "detail": {"status": ["FAILED"]}}
    assert looked_at(pattern, event) == {"source": "aws.batch", "detail": {"status": "FAILED"}}
    either = {"id": ["1"], "$or": [{"source": ["a"]}, {"detail": {"status": ["FAILED"]}}]}
    parts = [{"source": "aws.batch"}, {"detail": {"status": "FAILED"}}]
    assert looked_at(either, event) == {"id": "1", "$or": parts}


def test_children_that_differ_in_nothing_that_decides_are_asked_for_once() -> None:
    pattern = {"$or": [dict(each) for each in NOTEWORTHY_ENDS]}
    children = [
        {
            "status": "SUCCEEDED",
            "arrayProperties": {"index": index},
            "attempts": [{"startedAt": index, "container": {"exitCode": 0}, "statusReason": ""}],
        }
        for index in (0, 1)
    ]
    first, second = (looked_at(pattern, child) for child in children)
    assert first == second


def test_a_function_gets_the_whole_event(
    observed: LocalBatch, changes: list[Change], services: Services
) -> None:
    event = failed_event(observed, changes)
    Delivery(services).deliver(event, target())
    assert services.named("Invoke") == [{"type": "RequestResponse", "event": event}]
    assert services.named("SendMessage") == []


def test_a_function_gets_the_constant_that_its_rule_names(services: Services) -> None:
    Delivery(services).deliver({"detail": {}}, target(constant='{"said": 1}'))
    assert [each["event"] for each in services.named("Invoke")] == [{"said": 1}]


def test_a_target_that_is_neither_function_nor_queue_ends_in_the_dead_letters(
    services: Services,
) -> None:
    topic = Target("arn:aws:sns:us-east-1:000000000000:topic", RULE, QUEUE)
    Delivery(services).deliver({"detail": {}}, topic)
    (letter,) = services.named("SendMessage")
    assert (
        "functions and queues only" in letter["MessageAttributes"]["ERROR_MESSAGE"]["StringValue"]
    )


def test_a_function_that_fails_is_left_to_the_retries_of_lambda(services: Services) -> None:
    services.function_fails = True
    Delivery(services).deliver({"detail": {}}, target())
    assert [each["type"] for each in services.named("Invoke")] == ["RequestResponse", "Event"]


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        policy("lambda:InvokeFunction", rule=f"{RULE}-of-others"),
        policy("lambda:GetFunction"),
        policy("lambda:InvokeFunction", Principal={"Service": "sns.amazonaws.com"}),
        policy("lambda:InvokeFunction", Effect="Deny"),
        policy("lambda:InvokeFunction", operator="NumericEquals"),
    ],
)
def test_without_permission_the_event_goes_to_the_dead_letters_with_the_reason(
    services: Services, wrong: str | None
) -> None:
    services.function_policy = wrong
    Delivery(services).deliver({"detail": {"jobId": "x"}}, target())
    assert services.named("Invoke") == []
    (letter,) = services.named("SendMessage")
    assert json.loads(letter["MessageBody"]) == {"detail": {"jobId": "x"}}
    told = {name: each["StringValue"] for name, each in letter["MessageAttributes"].items()}
    assert told["ERROR_CODE"] == "NO_PERMISSIONS"
    assert (told["RULE_ARN"], told["TARGET_ARN"]) == (RULE, FUNCTION)


def test_a_dead_letter_queue_without_a_policy_for_the_rule_takes_nothing(
    services: Services, caplog: pytest.LogCaptureFixture
) -> None:
    services.function_policy = services.queue_policy = None
    Delivery(services).deliver({"detail": {}}, target())
    assert services.named("SendMessage") == []
    assert "an event is lost" in caplog.text


def test_a_policy_may_name_the_account_and_use_wildcards() -> None:
    statement: dict[str, Any] = {
        "Action": ["lambda:Invoke*"],
        "Condition": {
            "StringEquals": {"aws:SourceAccount": "000000000000"},
            "ArnLike": {"aws:SourceArn": "arn:aws:events:*:*:rule/batchapp-*"},
        },
    }
    assert permits(policy("x", **statement), "lambda:InvokeFunction", RULE)
    assert not permits(policy("x", **statement), "lambda:InvokeFunction", RULE.replace("0", "1"))
