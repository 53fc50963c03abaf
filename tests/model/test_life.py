"""Whatever happens to a job, each item has one end, and it is what happened.

A state machine drives the real functions and the runner's own table code through lives in which
processes die at any call, answers, messages and events are lost, doubled or late, containers crash,
hosts go away, clocks jump, people cancel and retry.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from endings import HOST_GONE
from fates import Killed
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from job_life import GOOD, JOB_ID, Life, Nature
from wires import Fault, Plan

from batchctl.contract import batch_jobs
from batchctl.contract.job_record import JobRecord
from batchctl.contract.statuses import FINAL, Status
from batchctl.contract.table import item_of, results_partition
from handlers.batch.submission import SUBMISSION_TAG
from handlers.store import batch_write
from handlers.tracking import failure_records

MOST_CHILDREN = 3
"""An array has at most so many children here: small jobs have several Batch jobs, too."""

ROUNDS = 60
ROUND_S = 400.0
LOST_MESSAGES = 600.0
DAY_S = 86_400.0
SKEWS = st.sampled_from(
    [0.0, 0.0, 4.0, -4.0, 300.0, -300.0, 3600.0, -3600.0, 30 * DAY_S, -30 * DAY_S]
)
"""How wrong a function's own clock is: by seconds, minutes, an hour, a month."""

FAULTS = st.sampled_from(list(Fault))
CALLS = st.integers(-6, 14)
"""Which call of a process goes wrong; of a negative number, none."""

NUMBERS = st.integers(0, 30)
PHASES = [
    each for each in Phase if os.environ.get("SHRINK", "1") == "1" or each is not Phase.shrink
]
STATISTICS: Counter[str] = Counter()


def subsets(items: int, most: int = 2) -> st.SearchStrategy[frozenset[int]]:
    return st.frozensets(st.integers(0, items - 1), max_size=most)


@st.composite
def natures(draw: st.DrawFn) -> Nature:
    items = draw(st.integers(1, 9))
    has_runner = draw(st.sampled_from([True, True, True, False]))
    return Nature(
        items=items,
        items_per_task=draw(st.integers(1, 4)),
        processes=draw(st.integers(1, 2)),
        has_runner=has_runner,
        max_failures=draw(st.sampled_from([None, None, 0, 1, 3])),
        memory_sizes=draw(st.sampled_from([(), (1024, 4096), (512, 1024, 4096)])),
        has_on_demand=draw(st.booleans()),
        poison=draw(subsets(items)),
        greedy=draw(subsets(items)) if has_runner else frozenset(),
        wrong=draw(subsets(items)),
    )


class Lives(RuleBasedStateMachine):
    """One job: everything that may happen to it, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.life = Life(Nature())
        self.is_submitted = self.has_lost_event = False
        self.ended: tuple[int, Status] | None = None
        self.succeeded: set[str] = set()

    @initialize(nature=natures(), stale=st.booleans())
    def be_born(self, nature: Nature, stale: bool) -> None:
        self.life = Life(nature)
        self.life.batch.stale = stale
        STATISTICS["lives"] += 1
        self._run(self.life.submit, GOOD())
        self.is_submitted = True

    def _run(self, process: Any, plan: Plan, *arguments: Any, **more: Any) -> Any:
        STATISTICS["steps"] += 1
        try:
            return process(*arguments, plan, **more) if arguments else process(plan, **more)
        except Killed:
            STATISTICS["killed"] += 1
            return None

    @rule(call=CALLS, fault=FAULTS, skew=SKEWS)
    def submit(self, call: int, fault: Fault, skew: float) -> None:
        self._run(self.life.submit, self._plan(call, fault), skew=skew)

    @precondition(lambda self: self.life.queue.bodies)
    @rule(call=CALLS, fault=FAULTS, skew=SKEWS)
    def deliver_message(self, call: int, fault: Fault, skew: float) -> None:
        if self.life.queue.bodies:
            self._run(self.life.split, self._plan(call, fault), skew=skew)

    @precondition(lambda self: self.life.queue.bodies)
    @rule(fate=st.sampled_from(["lost", "doubled"]))
    def spoil_message(self, fate: str) -> None:
        body = self.life.queue.bodies.pop(0)
        self.life.queue.bodies += [body, body] if fate == "doubled" else []

    @precondition(lambda self: self.life.batch.events)
    @rule(
        number=NUMBERS,
        call=CALLS,
        fault=FAULTS,
        skew=SKEWS,
        fate=st.sampled_from(["taken", "taken", "doubled", "lost"]),
        hurried=st.booleans(),
    )
    def deliver_event(
        self, number: int, call: int, fault: Fault, skew: float, fate: str, hurried: bool
    ) -> None:
        at = number % len(self.life.batch.events)
        taken: Any = True
        self.has_lost_event |= fate == "lost"
        if fate != "lost":
            plan = self._plan(call, fault)
            taken = self._run(self.life.track, plan, at, skew=skew, hurried=hurried)
        if taken and fate != "doubled":
            del self.life.batch.events[at]

    @precondition(lambda self: self.life.batch.runnable())
    @rule(number=NUMBERS)
    def start_container(self, number: int) -> None:
        found = self.life.batch.runnable()
        self.life.start(found[number % len(found)])

    @precondition(lambda self: self.life.running())
    @rule(number=NUMBERS, steps=st.integers(1, 4), progress=st.booleans())
    def step_container(self, number: int, steps: int, progress: bool) -> None:
        found = self.life.running()
        task = found[number % len(found)]
        for _ in range(steps):
            if task in self.life.running():
                self.life.step(task)
        if progress and task in self.life.containers:
            self.life.containers[task].record_progress()

    @precondition(lambda self: self.life.running())
    @rule(
        number=NUMBERS,
        how=st.sampled_from(
            [
                (139, "", {}),
                (137, "OutOfMemoryError: Container killed due to memory usage", {}),
                (3, "", {}),
                (None, "CannotInspectContainerError: Could not inspect", {}),
                (0, "", {}),
            ]
        ),
    )
    def crash_container(self, number: int, how: tuple[int | None, str, dict[str, str]]) -> None:
        code, reason, more = how
        if code == 0 and not self.life.nature.has_runner:
            return  # that would be what its author calls a success
        found = self.life.running()
        self.life.crash(found[number % len(found)], code, reason, **more)

    @precondition(lambda self: self.life.running())
    @rule(number=NUMBERS)
    def lose_host(self, number: int) -> None:
        found = self.life.running()
        self.life.lose_host(found[number % len(found)], HOST_GONE)

    @precondition(lambda self: self.life.ghosts)
    @rule()
    def haunt(self) -> None:
        self.life.haunt()

    @rule(call=CALLS, fault=FAULTS, skew=SKEWS, wanted=st.integers(0, 3))
    def cancel(self, call: int, fault: Fault, skew: float, wanted: int) -> None:
        if wanted == 0 and self.life.record() is not None:
            self._run(self.life.cancel, self._plan(call, fault), skew=skew)

    @rule(call=CALLS, fault=FAULTS, skew=SKEWS, hurried=st.booleans())
    def retry(self, call: int, fault: Fault, skew: float, hurried: bool) -> None:
        if self.life.record() is not None:
            self._run(self.life.retry, self._plan(call, fault), skew=skew, hurried=hurried)

    @rule(call=CALLS, fault=FAULTS, skew=SKEWS)
    def read(self, call: int, fault: Fault, skew: float) -> None:
        shown = self._run(self.life.read, self._plan(call, fault), skew=skew)
        if shown is not None:
            self._check_totals(shown)

    @rule(seconds=st.sampled_from([1.0, 130.0, 400.0, 4000.0]))
    def wait(self, seconds: float) -> None:
        self.life.clock.sleep(seconds)

    def _plan(self, call: int, fault: Fault) -> Plan:
        return Plan(call, fault, self._go_first)

    def _go_first(self) -> None:
        """What goes on while another process waits for an answer."""
        life = self.life
        # SQS may deliver a message again that somebody is at (SQS Developer Guide, "At-least-once
        # delivery").
        life.queue.bodies.insert(0, json.dumps({"job_id": JOB_ID}))
        self._run(life.split, GOOD(), skew=3600.0)
        for task in life.batch.runnable()[:1]:
            life.start(task)
        for task in life.running()[:2]:
            life.step(task)
        if life.batch.events:
            self._run(life.track, GOOD(), 0)

    @invariant()
    def what_succeeded_was_computed_and_stays(self) -> None:
        results = self._statuses()
        found = {item for item, status in results.items() if status == "SUCCEEDED"}
        assert found <= self.life.computed
        assert self.succeeded <= found, "a success is lost"
        self.succeeded = found
        assert set(results) <= set(self.life.nature.universe)

    @invariant()
    def a_final_status_stays_until_there_is_another_run(self) -> None:
        job = self.life.record()
        if job is None:
            return
        if self.ended is not None and self.ended[0] == job.run:
            assert job.status is self.ended[1]
        self.ended = (job.run, job.status) if job.status in FINAL else None

    @invariant()
    def the_record_names_each_batch_job_once(self) -> None:
        job = self.life.record()
        names = [] if job is None else [each.id for each in job.batch_jobs]
        assert len(names) == len(set(names))

    def _statuses(self) -> dict[str, str]:
        """How each item ended that has a result, as it stands in the table."""
        found = self.life.dynamodb.items.items()
        partition = results_partition(JOB_ID)
        return {
            item_of(sort_key): item["status"]["S"]
            for (at, sort_key), item in found
            if at == partition
        }

    def teardown(self) -> None:
        if self.is_submitted:
            self._quiet_down()

    def _quiet_down(self) -> None:
        """Nothing goes wrong any more: the job ends, and what is shown of it is the truth."""
        life = self.life
        self._run(life.submit, GOOD())
        shown: Any = None
        for _ in range(ROUNDS):
            self._settle()
            shown = life.read(GOOD())
            if shown["status"] in FINAL and self._is_quiet() and not self._repeat_retry(shown):
                break
            life.clock.sleep(ROUND_S)
        job = life.record()
        assert job is not None
        assert shown["status"] in FINAL, (shown, job)
        assert not life.batch.active(), "something runs for ever"
        self._check_totals(shown)
        self._check_end(job, shown)
        self._check_submissions(job)

    def _repeat_retry(self, shown: dict[str, Any]) -> bool:
        """Repeat a `retry` that died over the failures of what it was to run again, as is told."""
        job = self.life.record()
        if job is None or job.retry_owner is None or job.status is not Status.FAILED:
            return False
        if set(shown["results"]) == set(self.life.nature.universe):
            return False
        self._run(self.life.retry, GOOD())
        return True

    def _is_quiet(self) -> bool:
        return not (self.life.queue.bodies or self.life.batch.events or self.life.batch.active())

    def _settle(self) -> None:
        life = self.life
        for _ in range(len(life.queue.bodies)):
            self._run(life.split, GOOD())
        for task in life.batch.runnable():
            life.start(task)
        while running := life.running():
            for task in running:
                life.step(task)
        life.ghosts.clear()
        for _ in range(len(life.batch.events)):
            if self._run(life.track, GOOD(), 0):
                del life.batch.events[0]
            else:
                life.batch.events.append(life.batch.events.pop(0))

    def _check_totals(self, shown: dict[str, Any]) -> None:
        tasks = shown["tasks"]
        assert tasks["total"] == sum(tasks[each] for each in tasks if each != "total")
        if "item_counts" in shown:
            counts = shown["item_counts"]
            assert counts["total"] == self.life.nature.items
            assert counts["total"] == sum(counts[each] for each in counts if each != "total")
            assert counts["failed"] == sum(shown.get("failures", {}).values())

    def _check_end(self, job: JobRecord, shown: dict[str, Any]) -> None:
        results, universe = shown["results"], self.life.nature.universe
        ends = Counter(each["status"] for each in results.values())
        counts = shown["item_counts"]
        STATISTICS[job.status] += 1
        assert counts["running"] == 0
        if job.status is Status.CANCELLED and self.has_lost_event:
            # Of what ended after the cancellation its event tells alone.
            assert counts["succeeded"] <= ends["SUCCEEDED"], (counts, results)
            return
        assert counts["succeeded"] == ends["SUCCEEDED"], (counts, results)
        if job.status is Status.CANCELLED:
            return
        assert set(results) == set(universe), "an item has no end"
        assert counts["pending"] == 0
        assert counts["failed"] == ends["FAILED"]
        reasons = Counter(each["reason"] for each in results.values() if "reason" in each)
        assert shown.get("failures", {}) == dict(reasons)
        assert (job.status is Status.SUCCEEDED) == (ends["SUCCEEDED"] == len(universe))

    def _check_submissions(self, job: JobRecord) -> None:
        """No part of a run was given to Batch twice, but for what was ended again at once."""
        twice = Counter(
            (each["jobName"], each["tags"].get(SUBMISSION_TAG))
            for each in self.life.batch.jobs.values()
            if not each.get("isTerminated")
        )
        assert {name: times for name, times in twice.items() if times > 1} == {}


@pytest.fixture(autouse=True)
def small_and_in_order(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Arrays are small, and no threads of ours make the order of calls a matter of luck."""
    monkeypatch.setattr(batch_jobs, "MAX_CHILDREN", MOST_CHILDREN)
    monkeypatch.setattr(batch_write, "WRITERS", 1)
    monkeypatch.setattr(failure_records, "WRITERS", 1)
    STATISTICS.clear()
    yield
    print(dict(STATISTICS))  # noqa: T201 - shown by pytest -rP


@pytest.mark.parametrize(
    ("examples", "steps"),
    [
        (25, 30),
        pytest.param(
            int(os.environ.get("LIVES", "150")), 50, marks=pytest.mark.exhaustive, id="many"
        ),
    ],
)
def test_each_item_has_one_end_whatever_happens(examples: int, steps: int) -> None:
    """LIVES says how many lives the long run has."""
    run_state_machine_as_test(
        Lives,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            print_blob=True,
            phases=PHASES,
        ),
    )
