"""`submit` as a user types it: the options of a job, and a folder that has changed since `up`."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from api_server import ApiServer, deployed, serving
from calls import Calls
from click.testing import Result
from fake_recipe import UnbuiltFolder

from batchctl.image.composed import ComposedRecipe
from batchctl.jobs.api.connection import Connection

Batchctl = Callable[..., Result]
EXCHANGE = Connection.exchange
"""The real way to an endpoint: the account in memory has none, `built` leads to one."""

JOB = ("--job-id", "demo-1", "--universe", "A,B")


@pytest.fixture
def api() -> Iterator[ApiServer]:
    """An API that takes every job."""
    with serving() as served:
        served.status = 202
        taken = {"job_id": "demo-1", "status": "QUEUED", "tasks": 2, "href": "/v1/tasks/demo-1"}
        served.body = json.dumps(taken).encode()
        yield served


@pytest.fixture
def served(folder: Path, api: ApiServer) -> ApiServer:
    """The API, deployed."""
    deployed(folder, api, "none")
    return api


def sent(api: ApiServer) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(api.asked[-1][3])
    return body


def test_the_options_of_a_job_are_sent_with_it(served: ApiServer, batchctl: Batchctl) -> None:
    given = [
        "--items-per-task",
        "50",
        "--max-failures",
        "5%",
        "--share",
        "desk_1",
        "--priority",
        "7",
    ]
    assert batchctl("submit", *JOB, *given).exit_code == 0
    assert sent(served) == {
        "job_id": "demo-1",
        "universe": ["A", "B"],
        "items_per_task": 50,
        "max_failures": "5%",
        "share": "desk_1",
        "priority": 7,
    }


def test_the_job_is_the_argument_too(served: ApiServer, batchctl: Batchctl) -> None:
    assert batchctl("submit", "demo-1", "--universe", "A").exit_code == 0
    assert sent(served) == {"job_id": "demo-1", "universe": ["A"]}


def test_without_an_id_a_job_gets_one_of_the_name_and_the_time(
    served: ApiServer, batchctl: Batchctl
) -> None:
    assert batchctl("submit", "--universe", "A,B").exit_code == 0
    assert re.fullmatch(r"batchapp-\d{8}-\d{6}-[0-9a-f]{4}", sent(served)["job_id"])


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["AAPL", "MSFT"], "items are named by `--universe AAPL,MSFT`"),
        (["demo-1", "--job-id", "demo-2"], "`demo-1` and `demo-2` are two ids"),
        (["demo 1"], "`job_id` must have"),
    ],
)
def test_what_is_no_id_is_refused_before_anything_is_sent(
    served: ApiServer, batchctl: Batchctl, arguments: list[str], error: str
) -> None:
    refused = batchctl("submit", *arguments, "--universe", "A")
    assert refused.exit_code == 2
    assert error in refused.stderr
    assert served.asked == []


def test_without_options_a_job_is_sent_as_ever(served: ApiServer, batchctl: Batchctl) -> None:
    assert batchctl("submit", *JOB).exit_code == 0
    assert sent(served) == {"job_id": "demo-1", "universe": ["A", "B"]}


def test_a_number_of_failures_is_sent_as_a_number(served: ApiServer, batchctl: Batchctl) -> None:
    assert batchctl("submit", *JOB, "--max-failures", "0").exit_code == 0
    assert sent(served)["max_failures"] == 0


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--items-per-task", "0", "--items-per-task"),
        ("--items-per-task", "10001", "--items-per-task"),
        ("--max-failures", "many", "`max_failures` must be a whole number from 0 on, or a share"),
        ("--max-failures", "101%", "`max_failures` must be"),
        ("--max-failures", "-1", "`max_failures` must be"),
        ("--max-failures", "٣", "`max_failures` must be"),
        ("--share", "a b", "`share` must have 1 to 64 letters, digits, `_` and `-`"),
        ("--share", "", "`share` must have"),
        ("--priority", "10000", "--priority"),
    ],
)
def test_an_option_that_breaks_its_rule_is_refused_before_anything_is_sent(
    served: ApiServer, batchctl: Batchctl, option: str, value: str, said: str
) -> None:
    refused = batchctl("submit", *JOB, option, value)
    assert refused.exit_code == 2
    assert said in refused.stderr
    assert served.asked == []


@pytest.fixture
def built(
    folder: Path, api: ApiServer, account: None, batchctl: Batchctl, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """compute.py of an application that `up` has built; jobs go to the API on loopback."""
    resolve, port = socket.getaddrinfo, int(api.url.rpartition(":")[2])

    def on_loopback(host: Any, *more: Any, **given: Any) -> Any:
        here = "127.0.0.1" if str(host).endswith(".elb.amazonaws.com") else host
        return resolve(here, *more, **given)

    monkeypatch.setattr(socket, "getaddrinfo", on_loopback)
    monkeypatch.setattr(Connection, "exchange", EXCHANGE)
    monkeypatch.setattr(ComposedRecipe, "push_to", UnbuiltFolder.push_to)
    (folder / "config.yaml").write_text(f"name: app\napi: {{port: {port}}}\n")
    (folder / "compute").mkdir()
    code = folder / "compute" / "compute.py"
    code.write_text("first")
    assert batchctl("up", "--yes").exit_code == 0
    return code


def test_a_job_is_submitted_without_a_word_while_the_folder_is_what_was_built(
    built: Path, batchctl: Batchctl
) -> None:
    assert "has changed" not in batchctl("submit", *JOB).stderr


def test_a_folder_that_has_changed_since_up_is_told_and_the_job_submitted(
    built: Path, api: ApiServer, batchctl: Batchctl
) -> None:
    built.write_text("second")
    told = batchctl("submit", *JOB)
    assert told.exit_code == 0
    assert "note: `compute/` has changed since the last `batchctl up`" in told.stderr
    assert "`batchctl submit --up …` deploys the new one" in told.stderr
    assert len(api.asked) == 1


def test_submit_up_brings_the_folder_up_first_and_then_submits(
    built: Path, api: ApiServer, batchctl: Batchctl, calls: Calls
) -> None:
    built.write_text("second")
    done = batchctl("submit", *JOB, "--up", "--yes", "--json")
    assert done.exit_code == 0, done.stderr
    assert "has changed" not in done.stderr
    assert calls.count("RegisterJobDefinition") == 1
    assert json.loads(done.stdout)["job_id"] == "demo-1", "one document"
    assert len(api.asked) == 1


def test_a_bad_job_brings_nothing_up(built: Path, batchctl: Batchctl, calls: Calls) -> None:
    built.write_text("second")
    refused = batchctl("submit", "--job-id", "no job", "--universe", "A", "--up", "--yes")
    assert refused.exit_code == 2
    assert calls.writes == []


def test_submit_up_asks_as_up_does(built: Path, api: ApiServer, batchctl: Batchctl) -> None:
    built.write_text("second")
    refused = batchctl("submit", *JOB, "--up")
    assert refused.exit_code == 2
    assert "pass `--yes`" in refused.stderr
    assert api.asked == []


def test_who_submits_from_elsewhere_without_the_folder_is_told_nothing(
    built: Path, batchctl: Batchctl
) -> None:
    built.unlink()
    built.parent.rmdir()
    told = batchctl("submit", *JOB)
    assert told.exit_code == 0
    assert "has changed" not in told.stderr


def test_a_folder_that_cannot_be_built_any_more_is_no_error_of_a_submission(
    built: Path, batchctl: Batchctl
) -> None:
    built.unlink()
    told = batchctl("submit", *JOB)
    assert told.exit_code == 0, told.stderr


def test_a_row_of_csv_is_sent_with_its_parameters_once_it_was_counted(
    served: ApiServer, batchctl: Batchctl, folder: Path
) -> None:
    (folder / "rows.csv").write_text("symbol,paths\nAAPL,100\nMSFT,\n")
    done = batchctl("submit", "demo-1", "--universe-file", "rows.csv")
    assert done.exit_code == 0
    assert sent(served)["universe"] == [{"item": "AAPL", "parameters": {"paths": 100}}, "MSFT"]
    assert done.stderr.startswith("2 items from `rows.csv`, column `symbol`\n")


def test_a_file_that_cant_be_read_is_refused_before_anything_is_sent(
    served: ApiServer, batchctl: Batchctl, folder: Path
) -> None:
    (folder / "rows.csv").write_text("symbol,paths\nAAPL,100,1\n")
    done = batchctl("submit", "demo-1", "--universe-file", "rows.csv")
    assert (done.exit_code, served.asked) == (2, [])
    assert "line 2 has 3 cells, and the header 2" in done.stderr


@pytest.fixture
def past(served: ApiServer) -> ApiServer:
    """The API of an application that has done a job of one item: its list, and the job itself."""
    counts = {"total": 1, "pending": 0, "running": 0, "succeeded": 1, "failed": 0}
    job = {
        "job_id": "old-1",
        "status": "SUCCEEDED",
        "created_at": "2026-11-28T10:00:00+00:00",
        "finished_at": "2026-11-28T10:10:00+00:00",
        "items": 1,
        "tasks": counts,
    }
    results = {"A": {"status": "SUCCEEDED", "seconds": 36.0, "peak_memory_mib": 120.0}}
    served.status = 200
    served.body = json.dumps({"jobs": [job], **job, "results": results}).encode()
    return served


def test_an_estimate_says_what_it_rests_on_and_submits_nothing(
    past: ApiServer, batchctl: Batchctl
) -> None:
    result = batchctl("submit", *JOB, "--estimate")
    assert result.exit_code == 0, result.output
    assert "items:    2, 18.0 to 72.0 s each" in result.stdout
    assert "costs:    unknown on Spot" in result.stdout
    assert "by 1 items of `old-1`" in result.stdout
    assert {each[0] for each in past.asked} == {"GET"}
    found = json.loads(batchctl("submit", *JOB, "--estimate", "--json").stdout)
    assert found["task_hours"] == {"low": pytest.approx(0.01), "high": pytest.approx(0.04)}
    assert found["dollars"] is None


def test_without_a_job_there_is_nothing_to_estimate_by(
    served: ApiServer, batchctl: Batchctl
) -> None:
    served.status, served.body = 200, b'{"jobs": []}'
    result = batchctl("submit", *JOB, "--estimate")
    assert result.exit_code == 2
    assert "could not estimate" in result.stderr
    assert "hint: submit a job of a few items first" in result.stderr
