"""The log of runs: who, when, which steps, which calls; bounded; packed without what is private."""

from __future__ import annotations

import getpass
import json
import logging
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from batchctl import __version__
from batchctl.application import run_log
from batchctl.application.bundle import Scrubber
from batchctl.application.past_runs import past_runs
from batchctl.engine.events import ignore

Batchctl = Callable[..., Result]
ACCOUNT = "123456789012"
PLANTED = {
    "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY0A",
    "MY_DATABASE_PASSWORD": "hunter2-and-more",
    "GITHUB_TOKEN": "ghp_plantedplantedplanted",
}


def listed(batchctl: Batchctl) -> list[dict[str, Any]]:
    return list(json.loads(batchctl("events", "--json").stdout)["runs"])


@pytest.mark.usefixtures("account")
def test_up_and_down_are_logged_with_their_steps_and_calls(batchctl: Batchctl) -> None:
    assert listed(batchctl) == []
    assert batchctl("up", "--yes").exit_code == 0
    assert batchctl("down", "--yes").exit_code == 0
    down, up = listed(batchctl)
    assert (down["command"], up["command"]) == ("down", "up")
    assert up["stack"] == "batchapp"
    assert up["who"].startswith(f"arn:aws:sts::{ACCOUNT}:")
    assert getpass.getuser() in up["machine"]
    steps = {each["address"]: each for each in up["steps"]}
    assert steps["queue.jobs"]["outcome"] == "done"
    assert steps["queue.jobs"]["action"] == "create"
    (call,) = [each for each in up["calls"] if each.startswith("sqs.CreateQueue batchapp-jobs:")]
    assert ": 200, request " in call
    assert any(each.startswith("sqs.DeleteQueue") for each in down["calls"])


@pytest.mark.usefixtures("account")
def test_a_run_without_changes_leaves_nothing(batchctl: Batchctl) -> None:
    assert batchctl("up", "--yes").exit_code == 0
    assert batchctl("up", "--yes").exit_code == 0
    assert len(listed(batchctl)) == 1


@pytest.mark.usefixtures("account")
def test_the_list_and_one_run_are_shown_for_people(batchctl: Batchctl) -> None:
    assert batchctl("up", "--yes").exit_code == 0
    assert "up" in batchctl("events").stdout
    one = batchctl("events", "1").stdout
    assert "done queue.jobs (create)" in one
    assert "sqs.CreateQueue batchapp-jobs: 200" not in one
    assert "sqs.CreateQueue batchapp-jobs: 200" in batchctl("events", "1", "-v").stdout
    missing = batchctl("events", "2")
    assert missing.exit_code == 2
    assert "could not show run 2" in missing.stderr


def test_the_files_are_their_users_alone_and_only_the_last_are_kept(tmp_path: Path) -> None:
    for _ in range(run_log.MOST_RUNS + 3):
        with run_log.logged(tmp_path, "batchapp", "up", None, ignore):
            pass
    paths = run_log.paths_of(tmp_path / run_log.FOLDER)
    assert len(paths) == run_log.MOST_RUNS
    assert {stat.S_IMODE(each.stat().st_mode) for each in paths} == {0o600}


def test_a_run_of_endless_calls_is_cut_and_its_end_still_written(tmp_path: Path) -> None:
    calls = logging.getLogger("batchctl.aws.calls")
    with run_log.logged(tmp_path, "batchapp", "up", None, ignore):
        for _ in range(200):
            calls.debug("sqs.SendMessage %s: 200", "x" * 10_000)
    (path,) = run_log.paths_of(tmp_path / run_log.FOLDER)
    assert path.stat().st_size < run_log.MOST_BYTES + 20_000
    (run,) = past_runs(tmp_path)
    assert run.outcome == "ended"
    assert 50 < len(run.calls) < 200


def test_a_run_that_was_killed_is_known_with_what_it_did(tmp_path: Path) -> None:
    folder = tmp_path / run_log.FOLDER
    folder.mkdir()
    head = {"what": "run", "id": "1", "command": "up", "stack": "batchapp", "started": "now"}
    step = {"what": "step", "address": "queue.jobs", "action": "create", "outcome": "done"}
    text = f'{json.dumps(head)}\n{json.dumps(step)}\n{{"what": "ca'
    (folder / "20261128T000000000000Z-batchapp.jsonl").write_text(text)
    (run,) = past_runs(tmp_path)
    assert (run.outcome, run.seconds, len(run.steps)) == ("killed", None, 1)


def test_an_error_ends_the_log_and_goes_on(tmp_path: Path) -> None:
    with pytest.raises(KeyError), run_log.logged(tmp_path, "batchapp", "up", None, ignore):
        raise KeyError("x")
    (run,) = past_runs(tmp_path)
    assert run.outcome == "ended by KeyError"


def test_where_nothing_can_be_written_the_run_goes_on(tmp_path: Path) -> None:
    (tmp_path / run_log.FOLDER).write_text("a file, no folder")
    with run_log.logged(tmp_path, "batchapp", "up", None, ignore) as emit:
        assert emit is ignore


@pytest.mark.usefixtures("account")
def test_no_planted_secret_is_in_the_log_or_in_the_bundle(
    batchctl: Batchctl, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert batchctl("up", "--yes").exit_code == 0
    for name, value in PLANTED.items():
        monkeypatch.setenv(name, value)
    folder = Path.cwd() / ".batchctl"
    (log,) = run_log.paths_of(folder / run_log.FOLDER)
    with log.open("a") as file:
        for value in PLANTED.values():
            file.write(json.dumps({"what": "call", "call": f"x.Y {value}: 200"}) + "\n")
        file.write(json.dumps({"what": "call", "call": "x.Y http://u:p4ss@10.1.2.3/"}) + "\n")
    with Path("config.yaml").open("a") as config:
        config.write(
            f"\n# {PLANTED['MY_DATABASE_PASSWORD']} of jane.doe@example.org on 10.9.8.7\n"
            "# password: correct-horse\n"
        )
    result = batchctl("debug-bundle", str(tmp_path / "bundle.zip"))
    assert result.exit_code == 0, result.output
    with zipfile.ZipFile(tmp_path / "bundle.zip") as archive:
        texts = {name: archive.read(name).decode() for name in archive.namelist()}
    assert {"versions.json", "resources.json", "runs/1.json", "config.yaml"} <= texts.keys()
    whole = "".join(texts.values())
    private = ("p4ss", "10.1.2.3", "10.9.8.7", "jane.doe", "correct-horse", ACCOUNT)
    for secret in (*PLANTED.values(), *private, str(Path.home())):
        assert secret not in whole, secret
    assert "account-1" in whole
    assert '"queue.jobs"' in texts["resources.json"]
    assert json.loads(texts["versions.json"])["batchctl"] == __version__
    assert "sqs.CreateQueue batchapp-jobs: 200, request " in texts["runs/1.json"]


@pytest.mark.usefixtures("account")
def test_a_bundle_is_never_written_over_something(batchctl: Batchctl, tmp_path: Path) -> None:
    path = tmp_path / "mine.zip"
    path.write_text("mine")
    result = batchctl("debug-bundle", str(path))
    assert result.exit_code == 2
    assert "it exists already" in result.stderr
    assert path.read_text() == "mine"


def test_an_account_has_the_same_name_throughout() -> None:
    scrubber = Scrubber({}, {})
    text = scrubber.scrubbed("arn:aws:sqs:x:111111111111:a 222222222222 111111111111")
    assert text == "arn:aws:sqs:x:account-1:a account-2 account-1"
