"""The commands that read jobs from the API, as a user types them: show, watch, results."""

from __future__ import annotations

import contextlib
import io
import json
import signal
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from job_api import DONE, FAILED, NO_MEMORY, RUNNING, JobApi, counts
from slices import one_in

from batchctl.cli import main
from batchctl.cli.display.job_progress import duration

Batchctl = Callable[..., Result]


# show and watch


@pytest.mark.usefixtures("deployed")
def test_show_tells_the_attempt_and_what_reclaims_cost(api: JobApi, batchctl: Batchctl) -> None:
    api.looks = [RUNNING | {"attempt": 2, "reclaims": {"count": 3, "seconds": 71.6}}]
    shown = batchctl("show", "demo-1")
    assert "attempt:  2\n" in shown.stdout
    assert "reclaims: 3, which cost 72 s of work\n" in shown.stdout
    assert "4: 1 pending, 2 running, 1 succeeded, 0 failed" in shown.stdout
    found = json.loads(batchctl("show", "demo-1", "--json").stdout)
    assert found["reclaims"] == {"count": 3, "seconds": 71.6}
    assert "results" not in found
    assert found["failures"] == {}


ITEMS = {"item_counts": counts(total=40, pending=20, running=8, succeeded=9, failed=3)}
REASONS = {"failures": {"OUT_OF_MEMORY": 2, "NOT_RUN": 1}}


@pytest.mark.usefixtures("deployed")
def test_items_are_counted_while_their_tasks_run(api: JobApi, batchctl: Batchctl) -> None:
    api.looks = [RUNNING | ITEMS | REASONS]
    shown = batchctl("show", "demo-1").stdout
    assert "items:    40: 20 pending, 8 running, 9 succeeded, 3 failed\n" in shown
    assert "tasks:    4: 1 pending, 2 running, 1 succeeded, 0 failed\n" in shown
    assert "failed:   2 OUT_OF_MEMORY, 1 NOT_RUN\n" in shown
    assert api.pages == 1, "no result is read to count them"
    found = json.loads(batchctl("show", "demo-1", "--json").stdout)
    assert found["item_counts"] == ITEMS["item_counts"]
    assert found["failures"] == REASONS["failures"]


@pytest.mark.usefixtures("deployed")
def test_a_job_that_was_ended_says_what_ended_it(api: JobApi, batchctl: Batchctl) -> None:
    counted = {"item_counts": counts(total=40, succeeded=9, failed=31)}
    api.looks = [FAILED | counted | {"failures": {}, "reason": "MAX_FAILURES"}]
    assert "status:   FAILED (MAX_FAILURES)\n" in batchctl("show", "demo-1").stdout
    watched = batchctl("watch", "demo-1")
    assert "demo-1 ended as FAILED (MAX_FAILURES): 31 of 40 items failed" in watched.stderr


@pytest.mark.usefixtures("deployed")
def test_watch_counts_items_and_shows_failed_ones_while_their_task_runs(
    api: JobApi, batchctl: Batchctl
) -> None:
    api.looks = [RUNNING | ITEMS, RUNNING | ITEMS, DONE | {"item_counts": counts(total=40)}]
    api.failed = {1: NO_MEMORY}
    lines = batchctl("watch", "demo-1").stdout.splitlines()
    assert lines[0] == "RUNNING: 12/40 items done, 8 running, 3 failed"
    assert lines[1] == "  failed 00000001: OUT_OF_MEMORY: the task needed more memory"


@pytest.mark.usefixtures("deployed")
def test_show_counts_the_failed_items_by_reason(api: JobApi, batchctl: Batchctl) -> None:
    api.looks, api.items = [FAILED], 5
    api.failed = {0: NO_MEMORY, 2: {"error": "no", "reason": "TIMEOUT"}, 4: NO_MEMORY}
    assert "failed:   2 OUT_OF_MEMORY, 1 TIMEOUT\n" in batchctl("show", "demo-1").stdout
    found = json.loads(batchctl("show", "demo-1", "--json").stdout)
    assert found["failures"] == {"OUT_OF_MEMORY": 2, "TIMEOUT": 1}


@pytest.mark.usefixtures("deployed")
def test_a_result_wider_than_the_screen_is_folded(api: JobApi, batchctl: Batchctl) -> None:
    api.looks, api.failed = [FAILED], {0: {"error": "long " * 3000}}
    printed = batchctl("results", "demo-1").stdout
    assert printed.count("long") == 3000
    assert "00000001" in printed


@pytest.mark.usefixtures("deployed")
def test_watch_tells_each_change_the_speed_and_the_failures_and_how_it_ended(
    api: JobApi, batchctl: Batchctl
) -> None:
    first = RUNNING | {"tasks": counts(total=4, pending=4)}
    api.looks = [first, RUNNING, RUNNING, FAILED]
    api.failed = {1: NO_MEMORY}
    watched = batchctl("watch", "demo-1")
    assert watched.exit_code == 4
    lines = watched.stdout.splitlines()
    assert lines[0] == "RUNNING: 0/4 tasks done, 0 running, 0 failed"
    assert lines[1].startswith("RUNNING: 1/4 tasks done, 2 running, 0 failed, ")
    assert lines[1].endswith(" left")
    assert lines[2:4] == [
        "FAILED: 4/4 tasks done, 0 running, 1 failed",
        "  failed 00000001: OUT_OF_MEMORY: the task needed more memory",
    ]
    assert lines[4:] == []
    assert "demo-1 ended as FAILED: 1 of 4 tasks failed" in watched.stderr
    assert "batchctl why demo-1" in watched.stderr


@pytest.mark.usefixtures("deployed")
def test_watch_draws_a_bar_on_a_terminal(
    api: JobApi, batchctl: Batchctl, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setattr("batchctl.cli.display.job_progress.can_redraw", lambda: True)
    monkeypatch.setattr("batchctl.cli.display.job_progress.width_of_stdout", lambda: 80)
    monkeypatch.setenv("COLUMNS", "80")
    api.looks = [RUNNING | {"reclaims": {"count": 3, "seconds": 1.0}}, RUNNING, FAILED]
    api.failed = {1: NO_MEMORY}
    watched = batchctl("watch", "demo-1")
    for drawn in ("1/4 tasks", "2 running", "0 s watched", "3 reclaims"):
        assert drawn in watched.stderr
    assert "  failed 00000001: OUT_OF_MEMORY: the task needed more memory" in watched.stderr
    assert "demo-1 ended as FAILED" in watched.stderr


@pytest.mark.usefixtures("deployed")
def test_watch_as_json_is_a_line_for_each_change(api: JobApi, batchctl: Batchctl) -> None:
    api.looks = [RUNNING, RUNNING, DONE]
    watched = batchctl("watch", "demo-1", "--json")
    assert watched.exit_code == 0
    assert [json.loads(line)["status"] for line in watched.stdout.splitlines()] == [
        "RUNNING",
        "SUCCEEDED",
    ]


@pytest.mark.usefixtures("deployed")
def test_ctrl_c_ends_the_watching_and_says_that_the_job_goes_on(api: JobApi) -> None:
    api.looks = [RUNNING]
    # A shell that runs the tests in the background has SIGINT ignored, and children inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    program = [sys.executable, "-c", "from batchctl.cli import main; main()", "watch", "demo-1"]
    pipe = subprocess.PIPE
    with subprocess.Popen(program, stdout=pipe, stderr=pipe, text=True) as watching:
        assert watching.stdout is not None
        assert watching.stderr is not None
        assert "1/4 tasks done" in watching.stdout.readline()
        watching.send_signal(signal.SIGINT)
        rest = watching.stderr.read()
    assert watching.returncode == 130
    assert "the job continues: `batchctl watch demo-1`" in rest


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0.4, "0 s"), (59, "59 s"), (200, "3 min 20 s"), (7500, "2 h 05 min")],
)
def test_durations_are_written_for_people(seconds: float, shown: str) -> None:
    assert duration(seconds) == shown


@pytest.mark.usefixtures("deployed")
def test_without_jobs_the_list_says_so(batchctl: Batchctl) -> None:
    shown = batchctl("jobs", "--region", "eu-west-1")
    assert shown.stdout == ""
    assert shown.stderr == "no jobs yet: `batchctl --region eu-west-1 submit` starts one\n"
    assert json.loads(batchctl("jobs", "--json").stdout) == {"jobs": [], "next": None}


# results


@pytest.mark.usefixtures("deployed")
def test_failed_results_alone_are_written_with_their_reasons(
    api: JobApi, batchctl: Batchctl
) -> None:
    api.looks, api.items, api.failed = [FAILED], 4, {2: NO_MEMORY | {"exit_code": 137}}
    (found,) = json.loads(batchctl("results", "demo-1", "--failed", "--json").stdout)
    assert (found["item"], found["reason"], found["exit_code"]) == (
        "00000002",
        "OUT_OF_MEMORY",
        137,
    )
    table = batchctl("results", "demo-1", "--failed").stdout
    assert table.split()[:5] == ["item", "status", "reason", "exit_code", "error"]


@pytest.mark.usefixtures("deployed")
def test_a_table_of_many_results_has_one_heading_until_a_column_is_new(
    api: JobApi, batchctl: Batchctl
) -> None:
    api.items, api.failed = 3000, {2500: NO_MEMORY}
    lines = batchctl("results", "demo-1").stdout.splitlines()
    headings = [line.split() for line in lines if line.startswith("item")]
    assert headings == [
        ["item", "status", "x", "y", "attempts"],
        ["item", "status", "x", "y", "attempts", "reason", "error"],
    ]
    assert len([line for line in lines if line.startswith("0000")]) == 3000
    assert len({line.index("é") for line in lines[1:1000]}) == 1


@pytest.mark.usefixtures("deployed")
@pytest.mark.parametrize(
    ("look", "said"),
    [
        (RUNNING, "2 of 50 items so far, RUNNING\n"),
        (DONE | {"status": "CANCELLED"}, "2 of 50 items, CANCELLED\n"),
    ],
)
@pytest.mark.parametrize("form", ["table", "csv", "json"])
def test_partial_results_say_how_many_there_are(
    api: JobApi, batchctl: Batchctl, look: dict[str, Any], said: str, form: str
) -> None:
    api.looks, api.items, api.unfinished = [look], 2, 48
    shown = batchctl("results", "demo-1", "--format", form)
    assert (shown.exit_code, shown.stderr) == (0, said)
    assert "50 items" not in shown.stdout


@pytest.mark.usefixtures("deployed")
def test_whole_results_say_nothing_more(batchctl: Batchctl) -> None:
    assert batchctl("results", "demo-1").stderr == ""


@pytest.mark.usefixtures("deployed")
def test_results_wait_for_the_end_and_exit_with_4_when_the_job_failed(
    api: JobApi, batchctl: Batchctl
) -> None:
    api.looks = [RUNNING, FAILED]
    shown = batchctl("results", "demo-1", "--wait", "--format", "csv")
    assert shown.exit_code == 4
    assert shown.stdout.startswith("item,status,")
    assert "demo-1 ended as FAILED" in shown.stderr
    api.looks = [RUNNING, DONE]
    assert batchctl("results", "demo-1", "--wait").exit_code == 0


@pytest.mark.usefixtures("deployed")
def test_results_go_on_after_an_item(api: JobApi, batchctl: Batchctl) -> None:
    api.items = 2500
    shown = batchctl("results", "demo-1", "--after", "00002497", "--json")
    assert [each["item"] for each in json.loads(shown.stdout)] == ["00002498", "00002499"]
    assert shown.stderr == "", "those before are there, too"


@pytest.mark.usefixtures("deployed")
@pytest.mark.parametrize("form", one_in(3, ["table", "csv", "json"]))
def test_many_results_take_no_more_memory_than_few(api: JobApi, form: str) -> None:
    def peak_mb(items: int) -> float:
        api.items, api.pages = items, 0
        arguments = ["results", "demo-1", "--format", form]
        tracemalloc.start()
        with contextlib.redirect_stdout(io.TextIOWrapper(io.BufferedWriter(Nothing()))):
            main(arguments, standalone_mode=False)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert api.pages == items / 1000
        return peak / 1e6

    peak_mb(1000)
    few, many = peak_mb(2000), peak_mb(8000)
    assert many < 1.3 * few + 0.5


class Nothing(io.RawIOBase):
    """Takes everything and keeps nothing."""

    def writable(self) -> bool:
        return True

    def write(self, content: Any) -> int:
        return len(content)


@pytest.mark.usefixtures("deployed")
def test_results_go_into_a_file_by_its_ending(
    api: JobApi, batchctl: Batchctl, folder: Path
) -> None:
    api.failed = {1: NO_MEMORY}
    done = batchctl("results", "demo-1", "--output", "found.csv", "--columns", "item,x,reason")
    assert (done.stdout, done.stderr) == ("", "wrote found.csv\n")
    assert (folder / "found.csv").read_text().splitlines() == [
        "item,x,reason",
        "00000000,0,",
        "00000001,,OUT_OF_MEMORY",
    ]
    refused = batchctl("results", "demo-1", "--output", "found.xls")
    assert (refused.exit_code, "none of the formats" in refused.stderr) == (2, True)


@pytest.mark.usefixtures("deployed")
def test_all_results_have_the_items_without_one(api: JobApi, batchctl: Batchctl) -> None:
    api.looks, api.unfinished = [RUNNING], 1
    shown = batchctl("results", "demo-1", "--all", "--json")
    assert [each["status"] for each in json.loads(shown.stdout)] == ["SUCCEEDED"] * 2 + ["PENDING"]
    assert shown.stderr == "2 of 3 items so far, RUNNING\n"
    pending = batchctl("results", "demo-1", "--status", "pending", "--json")
    assert json.loads(pending.stdout) == [{"item": "00000002", "status": "PENDING"}]


@pytest.mark.usefixtures("deployed")
def test_results_of_some_items_are_those(batchctl: Batchctl) -> None:
    shown = batchctl("results", "demo-1", "--item", "00000001", "--item", "X", "--json")
    assert [each["item"] for each in json.loads(shown.stdout)] == ["00000001"]
    assert shown.stderr == "item `X` has no result\n"


@pytest.mark.usefixtures("deployed")
def test_results_are_sorted_by_a_column(api: JobApi, batchctl: Batchctl) -> None:
    api.items = 3
    shown = batchctl("results", "demo-1", "--sort", "x:desc", "--format", "jsonl")
    assert [json.loads(line)["result"]["x"] for line in shown.stdout.splitlines()] == [2, 1, 0]
    assert batchctl("results", "demo-1", "--sort", "x:up").exit_code == 2


@pytest.mark.usefixtures("deployed")
def test_jobs_are_filtered_over_all_pages(batchctl: Batchctl, api: JobApi) -> None:
    api.listed = [
        {"job_id": f"{name}-{at}", "status": status, "created_at": f"2026-11-{at:02}T00:00:00Z"}
        for at in range(28, 0, -1)
        for name, status in (("risk", "RUNNING"), ("demo", "FAILED"))
    ]

    def ids(*options: str) -> list[str]:
        found = json.loads(batchctl("jobs", "--json", *options).stdout)
        return [each["job_id"] for each in found["jobs"]]

    assert len(ids("--limit", "3")) == 3
    assert len(ids("--all")) == 56
    assert ids("--name", "risk-2*", "--limit", "2") == ["risk-28", "risk-27"]
    assert ids("--status", "failed", "--since", "2026-11-27") == ["demo-28", "demo-27"]
    assert batchctl("jobs", "--name", "x").stderr == "no job matches\n"
