"""Errors of the user's own program: what `why` makes of them, each with advice of its own."""

from __future__ import annotations

from dataclasses import replace

import pytest

from batchctl.contract.reasons import Reason
from batchctl.jobs import Result
from batchctl.jobs.diagnosis.evidence import Condition, Evidence
from batchctl.jobs.diagnosis.failures import RESULTS_READ, Sample, sample
from batchctl.jobs.diagnosis.findings import diagnose
from batchctl.jobs.diagnosis.items import ItemFailures
from batchctl.jobs.diagnosis.programs import KNOWN, explained
from batchctl.jobs.record import BatchJob, Record, Task

RECORD = Record("demo", "FAILED", 1, 4, 4, (BatchJob("array-1", 0, 4, 1),), ())
FAILED = Evidence(RECORD, {"FAILED": 4}, {}, {"exit status 1": 4}, (), memory_mib=1024, vcpus=1)


def failed(error: str, item: str = "AAPL", reason: str = Reason.EXCEPTION) -> Result:
    return Result(item, "FAILED", error=error, reason=reason)


def because(*results: Result, evidence: Evidence = FAILED) -> list[str]:
    """The causes of a job with these results."""
    items = ItemFailures({str(each.reason): 1 for each in results})
    found = diagnose(replace(evidence, items=items, sample=sample(results)), now_ms=0)
    return [each.cause for each in found]


@pytest.mark.parametrize(
    ("error", "cause", "fix"),
    [
        (
            "could not import compute.py: ModuleNotFoundError: No module named 'pandas'",
            "imports `pandas`, which is not in the image",
            "requirements.txt",
        ),
        ("ModuleNotFoundError: No module named 'boto3'", "which batchctl's runner needs", "pip in"),
        ("ImportError: libGL.so.1: cannot open", "libGL.so.1: cannot open", "system library"),
        ("SyntaxError: invalid syntax (compute.py, line 3)", "not valid Python", "run AAPL"),
        (
            "TypeError: compute() takes 1 positional argument but 2 were given",
            "it takes 1 positional argument but 2 were given",
            "def compute(item, parameters)",
        ),
        ("compute.py has no function `compute(item, parameters)`", "has no function", "write it"),
        ("NoRegionError: You must specify a region.", "without a region", "AWS_DEFAULT_REGION"),
        ("NoCredentialsError: Unable to locate credentials", "no AWS credentials", "profile"),
        (
            "ClientError: (AccessDeniedException) when calling the GetObject operation: no",
            "no permission for `GetObject`",
            "job role",
        ),
        ("OSError: [Errno 28] No space left on device", "disk is full", "delete files"),
        ("EndpointConnectionError: Could not connect", "no network", "NAT gateway"),
        ("OSError: [Errno 30] Read-only file system: '/x'", "may not write there", "tempfile"),
        ("MemoryError", "no more memory", "--memory"),
        ("it ended with exit code 139", "SIGSEGV", "native code"),
        ("it ended with exit code 134", "SIGABRT", "last words"),
        ("killed (SIGILL)", "built for a newer one", "instance_types"),
        ("killed (SIGBUS)", "mapped memory", "num_workers=0"),
        ("killed (SIGFPE)", "divided an integer by zero", "run AAPL"),
        ("the container ended with exit status 137", "for its memory", "--memory"),
        ("the container ended with exit status 143", "asked the process to stop", "retry demo"),
    ],
)
def test_an_error_that_is_known_has_a_cause_and_advice_of_its_own(
    error: str, cause: str, fix: str
) -> None:
    items = ItemFailures({Reason.EXCEPTION: 1})
    (found,) = diagnose(replace(FAILED, items=items, sample=sample([failed(error)])), now_ms=0)
    assert found.seen == f"1 item failed: EXCEPTION: {error}"
    assert cause in found.cause
    assert fix in found.fix
    assert "{" not in found.fix.replace("{AWS_DEFAULT_REGION", "")


def test_every_row_explains_something_that_no_row_before_it_does() -> None:
    assert len({row.pattern for row in KNOWN}) == len(KNOWN)
    assert explained("ValueError: no price", "demo", "AAPL") is None


def test_an_error_of_the_users_own_keeps_the_general_advice() -> None:
    (cause,) = because(failed("ValueError: no price"))
    assert cause.startswith("the program failed")


def test_errors_of_one_cause_are_one_finding() -> None:
    missing = [failed("No module named 'pandas'", item) for item in ("A", "B")]
    also = failed("import: No module named 'pandas'", "C")
    assert len(because(*missing, also)) == 1


def test_where_no_item_says_why_the_end_of_the_log_does() -> None:
    log = ("starting", "ModuleNotFoundError: No module named 'boto3'", "")
    evidence = replace(FAILED, log=log, failed_task=Task(2, "array-1:2", 1))
    error = "the container ended with exit status 1: its log says why"
    items = ItemFailures({Reason.EXIT_CODE: 4})
    read = sample([failed(error, reason=Reason.EXIT_CODE)])
    (found,) = diagnose(replace(evidence, items=items, sample=read), now_ms=0)
    assert found.seen == f"task 2 wrote: {log[1]}"
    assert "the image has no `boto3`" in found.cause


def test_a_sample_says_that_it_is_one_and_a_whole_does_not() -> None:
    results = [failed("x")] * RESULTS_READ
    assert sample(results).complete
    assert sample([*results, failed("x")]) == replace(sample(results), complete=False)
    assert Sample().complete


def test_of_tasks_that_were_not_all_read_it_says_how_many_were() -> None:
    evidence = replace(FAILED, statuses={"FAILED": 5000}, failed={"exit status 1": 1000})
    (found,) = diagnose(evidence, now_ms=0)
    assert found.seen == "1,000 tasks of the first 1,000 of 5,000 failed: exit status 1"


def test_a_limit_that_was_hit_is_named_with_its_value() -> None:
    late = replace(FAILED, failed={"attempt duration exceeded timeout": 1}, attempt_s=3720)
    assert diagnose(late, now_ms=0)[0].cause.endswith("an attempt may take 3,720 s")
    large = replace(FAILED, failed={"OutOfMemoryError": 1})
    assert diagnose(large, now_ms=0)[0].cause.endswith(": 1,024 MiB")


WAITS = "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE - too large"
SPOT = Condition("compute environment", "spot", "ENABLED", "VALID", "", 4, 0)
WAITING = replace(FAILED, statuses={"RUNNABLE": 1}, failed={}, waiting={WAITS: 1}, vcpus=8)


def test_what_a_task_asks_for_stands_beside_what_there_can_be() -> None:
    (found,) = diagnose(replace(WAITING, conditions=(SPOT,)), now_ms=0)
    assert found.cause.endswith(
        ": a task asks for 8 vCPUs and 1,024 MiB, an environment has 4 vCPUs at most"
    )


def test_where_every_environment_is_disabled_that_alone_is_the_cause() -> None:
    disabled = replace(SPOT, state="DISABLED")
    (found,) = diagnose(replace(WAITING, conditions=(disabled,)), now_ms=0)
    assert "disabled it" in found.cause
    assert len(diagnose(replace(WAITING, conditions=(disabled, SPOT)), now_ms=0)) == 2


def test_a_deregistered_definition_is_named_and_how_long_it_takes_from_there() -> None:
    record = replace(RECORD, status="QUEUED", batch_jobs=())
    evidence = Evidence(record, {}, {}, {}, (), deregistered="app-compute:3")
    (found,) = diagnose(evidence, now_ms=0)
    assert "the job definition `app-compute:3` is deregistered" in found.seen
    assert "half an hour" in found.fix
