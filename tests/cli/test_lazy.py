"""Commands are loaded when they are called: what the help says without them is what they say."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import click
import pytest
from api_server import deployed, serving
from click.testing import CliRunner

from batchctl.cli import COMMANDS, HELP, SECTIONS, main
from batchctl.cli.lazy import LazyCommand, LazyGroup

SLOW = {"boto3", "botocore", "pydantic", "yaml", "rich.live", "ministack"}
each_command = pytest.mark.parametrize("lazy", COMMANDS, ids=lambda each: each.name)


@each_command
def test_the_line_of_help_is_the_commands_own(lazy: LazyCommand) -> None:
    command = lazy.load()
    assert command.name == lazy.name
    assert command.get_short_help_str(limit=1000) == lazy.help


def test_help_lists_every_command_in_the_order_of_its_use() -> None:
    lines = CliRunner().invoke(main, ["--help"]).stdout.partition("Build:\n")[2].splitlines()
    names = [line[2:].partition(" ")[0] for line in lines if line.startswith("  ")]
    assert [name for name in names if name] == [each.name for each in COMMANDS]
    assert "  why           Explain why a job waits or failed, and what to do." in lines


def test_help_loads_no_command() -> None:
    assert not {"batchctl.cli.commands.up", "batchctl.application.application"} & loaded("--help")


def test_no_help_loads_what_is_slow() -> None:
    """Each command's own help in one process, with the help of the groups' commands."""
    helps = [[each.name, "--help"] for each in COMMANDS]
    helps += [["local", "start", "--help"], ["dead-letters", "drop", "--help"]]
    assert not SLOW & loaded(*(" ".join(each) for each in helps))


def test_commands_about_jobs_load_nothing_of_aws_unless_they_ask_it(folder: Path) -> None:
    """Whatever signs no request needs no boto3, which takes longer than the answer."""
    with serving() as api:
        api.body = json.dumps(JOB).encode()
        deployed(folder, api, "none")
        lines = ["jobs", "show risk-9", "results risk-9", "results", "watch risk-9"]
        assert not {"boto3", "botocore", "batchctl.stack", "batchctl.resource"} & loaded(*lines)


TASKS = {"total": 1, "pending": 0, "running": 0, "succeeded": 1, "failed": 0}
RESULTS = {"AAPL": {"status": "SUCCEEDED", "result": {"n": 1}}}
SUMMARY = {"job_id": "risk-9", "status": "SUCCEEDED", "created_at": "2026-11-28T10:00:00.000000Z"}
JOB = {**SUMMARY, "items": 1, "tasks": TASKS, "results": RESULTS, "jobs": []}
JOB["jobs"] = [dict(JOB)]


def loaded(*command_lines: str) -> set[str]:
    """The modules that a process has after these command lines."""
    script = (
        "import sys\n"
        "from click.testing import CliRunner\n"
        "from batchctl.cli import main\n"
        "for line in sys.argv[1:]:\n"
        "    assert CliRunner().invoke(main, line.split()).exit_code == 0, line\n"
        "print(*sys.modules)\n"
    )
    command = [sys.executable, "-c", script, *command_lines]
    return set(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split())


def test_an_unknown_command_is_no_command() -> None:
    answered = CliRunner().invoke(main, ["upp"])
    assert answered.exit_code == 2
    assert "No such command 'upp'" in answered.stderr


def test_what_a_table_names_by_mistake_is_found() -> None:
    with pytest.raises(TypeError, match=r"`SLOW` in `.*test_lazy` is no command"):
        LazyCommand("SLOW", __name__, "").load()


def test_lazy_commands_stand_beside_others() -> None:
    group = LazyGroup("group", lazy_commands=COMMANDS[:1])
    group.add_command(click.Command("other", short_help="Another."))
    shown = CliRunner().invoke(group, ["--help"]).stdout
    assert shown.index("  init ") < shown.index("  other  Another.")
    assert CliRunner().invoke(group, ["other"]).exit_code == 0


def test_modules_in_the_working_directory_hide_none_that_the_program_needs(
    tmp_path: Path,
) -> None:
    for name in ("click", "email", "logging", "queue", "select", "yaml"):
        (tmp_path / f"{name}.py").write_text(f"raise RuntimeError('the wrong {name}')")
    command = [sys.executable, "-m", "batchctl", "--help"]
    made = subprocess.run(command, cwd=tmp_path, check=False, capture_output=True, text=True)
    assert made.returncode == 0, made.stderr


def test_the_package_runs_as_a_program() -> None:
    command = [sys.executable, "-m", "batchctl"]
    version = subprocess.run([*command, "--version"], check=True, capture_output=True, text=True)
    assert version.stdout.startswith("batchctl, version ")
    shown = subprocess.run([*command, "up", "-h"], check=True, capture_output=True, text=True)
    assert shown.stdout.startswith("Usage: batchctl up [OPTIONS]\n")


def test_the_help_is_grouped_and_no_line_of_it_is_cut() -> None:
    shown = CliRunner().invoke(main, ["--help"], env={"COLUMNS": "80"}).stdout
    told = " ".join(shown.split())
    assert "..." not in shown.replace("[ARGS]...", "")
    assert all(line in told for line in HELP.values())
    titles = [line for line in shown.splitlines() if line.endswith(":") and line[0] != " "]
    assert titles == ["Options:", *(f"{title}:" for title in SECTIONS)]
    assert max(map(len, shown.splitlines())) <= 80


def test_a_command_points_to_the_global_options_in_one_line() -> None:
    shown = CliRunner().invoke(main, ["jobs", "--help"]).stdout
    assert "Global options" in shown
    assert "--debug: see `" in " ".join(shown.split())
    assert shown.count("--profile") == 1
