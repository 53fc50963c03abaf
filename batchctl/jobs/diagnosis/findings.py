"""From what AWS says about a job to the likely cause and what to do: pure, no calls.

Sources: AWS Batch User Guide, "Jobs stuck in a RUNNABLE status"; the codes of the vCPU quotas are
those of Service Quotas for Amazon EC2.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from batchctl.contract import reasons
from batchctl.contract.reasons import Reason
from batchctl.contract.statuses import FINAL, RUNNING_TASK, SPLITTABLE, Status, TaskStatus
from batchctl.jobs.diagnosis.causes import INVALID, UP, WAITING, Cause, cause_of
from batchctl.jobs.diagnosis.evidence import Condition, Evidence
from batchctl.jobs.diagnosis.items import causes
from batchctl.jobs.diagnosis.programs import causes_in, explained
from batchctl.jobs.diagnosis.turns import Turns

STUCK_AFTER_S = 300.0
"""Batch needs some minutes to start an instance; a task that waits for longer may wait in vain."""
SPOT_QUOTA, ON_DEMAND_QUOTA = "L-34B43A08", "L-1216C47A"


@dataclass(frozen=True)
class Finding:
    """One cause of waiting or failing: what was seen (by line), what it means, what to do."""

    seen: str
    cause: str
    fix: str


def diagnose(evidence: Evidence, now_ms: int) -> tuple[Finding, ...]:
    """Return the causes that the evidence shows, the likeliest first; none when all is well."""
    found = (
        *_before_batch(evidence),
        *(_unusable(each) for each in evidence.conditions if not each.usable),
        *_waiting(evidence, now_ms),
        *_item_failures(evidence),
        *_failures(evidence),
        *_forgotten(evidence),
    )
    return found or tuple(_earlier_failures(evidence))


def _before_batch(evidence: Evidence) -> Iterator[Finding]:
    record = evidence.record
    if not record.batch_jobs and record.status in SPLITTABLE:
        seen = f"the job is {record.status}: it is not in AWS Batch yet"
        if evidence.deregistered is not None:
            yield Finding(
                f"{seen}\nthe job definition `{evidence.deregistered}` is deregistered",
                "JobSplitter can't submit the job: somebody deregistered its job definition",
                "`batchctl up` registers it again; the job is then tried again within minutes, by "
                "itself. After half an hour it is a dead letter: `batchctl dead-letters redrive`",
            )
            return
        yield Finding(
            seen,
            "the function JobSplitter hasn't taken it from the queue, or failed to submit it",
            "wait a minute. If nothing happens, the log of JobSplitter says why; a job that failed "
            "5 times is in `batchctl dead-letters`: `batchctl dead-letters redrive` tries it again",
        )


def _unusable(condition: Condition) -> Finding:
    seen = f"{condition.kind} `{condition.name}` is {_how(condition)}"
    if condition.reason:
        seen = f"{seen}: {condition.reason}"
    if condition.status == "MISSING":
        return Finding(seen, f"somebody deleted the {condition.kind}", UP)
    if condition.state != "ENABLED":
        return Finding(seen, "somebody disabled it: it starts nothing", UP)
    if condition.status in {"CREATING", "UPDATING"}:
        return Finding(seen, "AWS Batch is changing it", "wait: it takes some minutes")
    known = cause_of(condition.reason, INVALID)
    return Finding(seen, known.cause, known.fix)


def _how(condition: Condition) -> str:
    states = (condition.state if condition.state != "ENABLED" else "", condition.status)
    return ", ".join(each for each in states if each and each != "VALID")


def _waiting(evidence: Evidence, now_ms: int) -> Iterator[Finding]:
    """Explain the tasks that wait: by Batch's reasons, else, when none starts, by what is known."""
    if _nowhere_to_run(evidence):
        return  # that is the cause, whatever Batch calls it
    explained = {reason: cause_of(reason, WAITING) for reason in evidence.waiting if reason}
    for reason, known in explained.items():
        seen = f"{_tasks(evidence.waiting[reason])} waiting: {reason}"
        yield Finding(seen, f"{known.cause}{_sizes(known, evidence)}", known.fix)
    if explained or evidence.waiting_since_ms is None or _works(evidence.statuses):
        return
    if evidence.head is not None:
        known = cause_of(evidence.head.reason, WAITING)
        seen = f"job `{evidence.head.name}` blocks the queue: {evidence.head.reason}"
        yield Finding(seen, f"for that job, {known.cause}", known.fix)
        return
    waited_s = max(0.0, (now_ms - evidence.waiting_since_ms) / 1000)
    if evidence.turns is not None and evidence.turns.others and evidence.turns.vcpus_in_use:
        yield _behind_others(evidence, evidence.turns, waited_s)
    elif waited_s >= STUCK_AFTER_S:
        yield _stuck(evidence, waited_s)


def _nowhere_to_run(evidence: Evidence) -> bool:
    """Whether no compute environment is usable."""
    environments = [each for each in evidence.conditions if each.kind == "compute environment"]
    return bool(environments) and not any(each.usable for each in environments)


def _sizes(known: Cause, evidence: Evidence) -> str:
    """Say what a task asks for, and what there can be, where that is the cause."""
    if not known.is_size or evidence.vcpus is None:
        return ""
    memory = "" if evidence.memory_mib is None else f" and {evidence.memory_mib:,} MiB"
    most = max((each.max_vcpus or 0 for each in evidence.conditions), default=0)
    limit = f", an environment has {most} vCPUs at most" if most else ""
    return f": a task asks for {evidence.vcpus:g} {_vcpus(evidence.vcpus)}{memory}{limit}"


def _vcpus(count: float) -> str:
    return "vCPU" if count == 1 else "vCPUs"


def _behind_others(evidence: Evidence, turns: Turns, waited_s: float) -> Finding:
    seen = f"{_tasks(sum(evidence.waiting.values()))} waiting for {_waited(waited_s)}"
    cause = f"all vCPUs are taken: {turns.used}" if turns.full else f"other jobs run: {turns.used}"
    return Finding(
        f"{seen}\n{turns.before}",
        cause,
        "wait: jobs take turns, the next vCPU that is free goes to the share that has used least; "
        "a higher `compute.max_vcpus` (on the local cloud `local.vcpus`), then `batchctl up`, "
        "lets more run at once",
    )


def _waited(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def _works(statuses: Mapping[str, int]) -> bool:
    return any(statuses.get(status) for status in RUNNING_TASK)


def _stuck(evidence: Evidence, waited_s: float) -> Finding:
    """Say why tasks wait for which Batch gives no reason: too large, no instances, no network."""
    environments = [each for each in evidence.conditions if each.max_vcpus is not None]
    seen = f"{_tasks(sum(evidence.waiting.values()))} waiting for {waited_s / 60:.0f} min"
    most = max((each.max_vcpus or 0 for each in environments), default=0)
    if evidence.vcpus is not None and environments and evidence.vcpus > most:
        return Finding(
            f"{seen}; each asks for {evidence.vcpus:g} {_vcpus(evidence.vcpus)}",
            f"the largest compute environment may have {most}",
            "raise `compute.max_vcpus` or lower `compute.vcpus`, then `batchctl up`",
        )
    if any(each.desired_vcpus for each in environments):
        return Finding(
            f"{seen}; AWS Batch wants instances, but none takes a task",
            "instances don't start (the account's EC2 quota, no Spot capacity), or can't reach "
            "Amazon ECS (a private subnet without a NAT gateway or endpoints, a public one without "
            "public addresses)",
            "compare the vCPU quotas with `compute.max_vcpus`: `aws service-quotas "
            f"get-service-quota --service-code ec2 --quota-code {SPOT_QUOTA}` (Spot) and "
            f"{ON_DEMAND_QUOTA} (on demand); check the subnets' routes",
        )
    return Finding(
        f"{seen}; AWS Batch wants no instances",
        "other jobs of the queue come first, or AWS Batch hasn't noticed the job yet",
        "`batchctl jobs` shows what runs; wait some minutes",
    )


def _item_failures(evidence: Evidence) -> Iterator[Finding]:
    """Explain what AWS Batch knows nothing of: the runner's word for each item."""
    if evidence.items is not None:
        job_id, memory_mib = evidence.record.job_id, evidence.memory_mib
        for seen, known in causes(evidence.items, job_id, memory_mib):
            yield Finding(seen, known.cause, known.fix)
    yield from _program_errors(evidence)


def _program_errors(evidence: Evidence) -> Iterator[Finding]:
    """Explain the errors of the program that are known: by the items' own, else by a task's log."""
    job_id = evidence.record.job_id
    of_program = [e for e in evidence.sample.errors if _is_of_the_program(e.text)]
    errors = [(each.text, each.count, each.item) for each in of_program]
    found = list(causes_in(errors, job_id))
    for seen, (cause, fix) in found:
        yield Finding(seen, cause, fix)
    if found or not evidence.log or evidence.failed_task is None:
        return
    item = of_program[0].item if of_program else "ITEM"
    for line in reversed(evidence.log):
        if known := explained(line, job_id, item):
            seen = f"task {evidence.failed_task.number} wrote: {line}"
            yield Finding(seen, *known)
            return


def _is_of_the_program(text: str) -> bool:
    """Whether an error is of the program, and of no cause that has an explanation of its own."""
    return text.partition(":")[0] in {Reason.EXCEPTION, Reason.EXIT_CODE, Reason.UNKNOWN}


def _is_explained(known: reasons.Cause, evidence: Evidence) -> bool:
    """Whether the items' own reasons say more than what Batch says of their tasks."""
    items = evidence.items
    if items is None or not items.counts:
        return False
    if known.reason is Reason.OUT_OF_MEMORY:
        return known.reason in items.counts and evidence.memory_mib is not None
    if known.reason is not Reason.EXIT_CODE:
        return False
    # A task with failed items ends with an exit status, whatever they failed of.
    return not items.are_of_the_program or any(_program_errors(evidence))


def _failures(evidence: Evidence) -> Iterator[Finding]:
    """Explain the failures, the most frequent cause first; reasons of one cause are one finding."""
    seen: defaultdict[reasons.Cause, list[str]] = defaultdict(list)
    read, all_failed = sum(evidence.failed.values()), evidence.statuses.get(TaskStatus.FAILED, 0)
    of = f" of the first {read:,} of {all_failed:,} failed" if read < all_failed else " failed"
    for reason, count in sorted(evidence.failed.items(), key=lambda each: -each[1]):
        line = f"{_tasks(count)}{of}: {reason or 'AWS Batch gives no reason'}"
        seen[reasons.cause_of(reason)].append(line)
    for known, lines in seen.items():
        if _is_explained(known, evidence):
            continue
        fix = known.advice_for(evidence.record.job_id)
        yield Finding("\n".join(lines), f"{known.cause}{_limit(known, evidence)}", fix)


def _limit(known: reasons.Cause, evidence: Evidence) -> str:
    """Say the value of the limit that was hit, where AWS Batch knows it."""
    if known.reason is Reason.TIMEOUT and evidence.attempt_s is not None:
        return f": an attempt may take {evidence.attempt_s:,} s"
    if known.reason is Reason.OUT_OF_MEMORY and evidence.memory_mib is not None:
        return f": {evidence.memory_mib:,} MiB"
    return ""


def _earlier_failures(evidence: Evidence) -> Iterator[Finding]:
    """Explain a failed job of which the last run did well: it had but some of the items to do."""
    items, job_id = evidence.items, evidence.record.job_id
    if items is None or not items.counts or evidence.record.status != Status.FAILED:
        return
    count = sum(items.counts.values())
    yield Finding(
        f"{count:,} {'item' if count == 1 else 'items'} failed in an earlier attempt",
        "what the last attempt had to do has succeeded; these were not among it",
        f"`batchctl results {job_id} --failed` says why; fix it, then `batchctl up` and "
        f"`batchctl retry {job_id}`",
    )


def _tasks(count: int) -> str:
    return "1 task" if count == 1 else f"{count:,} tasks"


def _forgotten(evidence: Evidence) -> Iterator[Finding]:
    record = evidence.record
    if record.batch_jobs and not evidence.known:
        ended = record.status in FINAL
        yield Finding(
            "AWS Batch doesn't know the job any more",
            "it forgets jobs some days after their end (7 at least), and those of a deleted queue",
            f"`batchctl results {record.job_id}` has what was recorded"
            if ended
            else f"`batchctl show {record.job_id}` records its end; `batchctl retry` runs the rest",
        )
