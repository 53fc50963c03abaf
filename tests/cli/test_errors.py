"""Errors as a new user meets them: one clear message, the right exit code, no traceback."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from calls import Calls
from click.testing import Result

from batchctl.engine.lock import locked

Batchctl = Callable[..., Result]


def test_without_a_config_the_error_names_the_file(folder: Path, batchctl: Batchctl) -> None:
    (folder / "config.yaml").unlink()
    result = batchctl("up", "--yes")
    assert result.exit_code == 2
    assert "config.yaml" in result.stderr


def test_a_wrong_config_is_told_with_key_and_line_before_any_call(
    folder: Path, batchctl: Batchctl, calls: Calls
) -> None:
    (folder / "config.yaml").write_text("name: app\ncompute:\n  vcpu: 2\n")
    result = batchctl("up", "--yes")
    assert result.exit_code == 2
    assert "config.yaml:3" in result.stderr
    assert "compute.vcpu" in result.stderr
    assert calls.made == []


@pytest.fixture
def nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user without any AWS configuration."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.mark.usefixtures("nobody")
def test_without_a_region_the_error_says_where_to_set_it(batchctl: Batchctl) -> None:
    result = batchctl("plan")
    assert result.exit_code == 2
    assert "no AWS region is set" in result.stderr
    assert "--region" in result.stderr


@pytest.mark.usefixtures("nobody")
def test_without_credentials_the_error_says_how_to_log_in_and_names_local(
    batchctl: Batchctl,
) -> None:
    result = batchctl("up", "--yes", "--region", "us-east-1")
    assert result.exit_code == 1
    assert "Unable to locate credentials" in result.stderr
    assert "--local" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_profile_that_does_not_exist_is_named(batchctl: Batchctl, folder: Path) -> None:
    result = batchctl("plan", "--profile", "nobody", "--region", "us-east-1")
    assert result.exit_code == 1
    assert "nobody" in result.stderr
    assert "hint:" in result.stderr


@pytest.mark.usefixtures("account")
def test_the_wrong_account_is_refused_before_anything_is_made(
    folder: Path, batchctl: Batchctl, calls: Calls
) -> None:
    (folder / "config.yaml").write_text("account_id: '999999999999'\ncompute: {image: 'x:1'}\n")
    result = batchctl("up", "--yes")
    assert result.exit_code == 2
    assert "`123456789012`" in result.stderr
    assert "`999999999999`" in result.stderr
    assert calls.writes == []


@pytest.mark.usefixtures("account")
def test_without_what_a_dockerfile_takes_up_says_so_and_builds_what_needs_none(
    folder: Path, batchctl: Batchctl, calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "config.yaml").write_text("name: app\n")
    (folder / "compute").mkdir()
    (folder / "compute" / "Dockerfile").write_text("FROM scratch\n")
    monkeypatch.setenv("PATH", str(folder))
    result = batchctl("up", "--yes")
    assert result.exit_code == 1
    assert "error: image.compute: could not find an image builder" in result.stderr
    assert "`compute.image` in config.yaml" in result.stderr
    assert "skipped job_definition.compute, because of image.compute" in result.stderr
    assert "lambda.CreateFunction" in calls.writes
    assert "batch.RegisterJobDefinition" not in calls.writes


@pytest.mark.usefixtures("account")
@pytest.mark.parametrize(
    ("config", "flags", "said"),
    [
        ("compute: {build: elsewhere}\n", (), "elsewhere` is no folder"),
        ("compute: {build: empty}\n", (), "empty` has no `compute.py` and no `Dockerfile`"),
        ("compute: {image: 'x:1'}\n", ("--rebuild",), "`x:1`: it is not built here"),
    ],
)
def test_what_no_image_can_be_built_from_is_told_before_anything_is_made(
    folder: Path,
    batchctl: Batchctl,
    calls: Calls,
    config: str,
    flags: tuple[str, ...],
    said: str,
) -> None:
    (folder / "empty").mkdir()
    (folder / "config.yaml").write_text(config)
    result = batchctl("up", "--yes", *flags)
    assert result.exit_code in {1, 2}
    assert said in result.stderr
    assert "hint: " in result.stderr
    assert calls.writes == []


@pytest.mark.usefixtures("account")
def test_without_a_terminal_and_without_yes_nothing_is_changed(
    batchctl: Batchctl, calls: Calls
) -> None:
    result = batchctl("up")
    assert result.exit_code == 2
    assert "--yes" in result.stderr
    assert calls.writes == []


@pytest.mark.usefixtures("account")
def test_a_second_run_names_who_holds_the_lock(folder: Path, batchctl: Batchctl) -> None:
    with locked(folder / ".batchctl" / "batchapp.state.json"):
        result = batchctl("up", "--yes")
    assert result.exit_code == 1
    assert "has held it since" in result.stderr


@pytest.mark.usefixtures("account")
def test_jobs_before_up_are_told_what_to_check_before_they_run_up(batchctl: Batchctl) -> None:
    result = batchctl("show", "demo-1")
    assert result.exit_code == 2
    assert "hint: check `name`, the region and the profile; to deploy it run `batchctl up`" in (
        result.stderr
    )


@pytest.mark.usefixtures("account")
def test_down_before_up_has_nothing_to_do(batchctl: Batchctl) -> None:
    result = batchctl("down", "--yes")
    assert result.exit_code == 0
    assert "nothing to delete" in result.stderr


def test_down_that_can_ask_nobody_does_not_say_that_nothing_is_there(batchctl: Batchctl) -> None:
    result = batchctl("down", "--yes")
    assert result.exit_code == 2
    assert "no AWS region is set" in result.stderr


def test_help_is_quick_it_imports_neither_boto3_nor_pydantic() -> None:
    script = (
        "import sys\n"
        "from click.testing import CliRunner\n"
        "from batchctl.cli import main\n"
        "assert CliRunner().invoke(main, ['--help']).exit_code == 0\n"
        "assert CliRunner().invoke(main, ['up', '--help']).exit_code == 0\n"
        "slow = {'boto3', 'botocore', 'pydantic', 'rich.live', 'ministack'} & set(sys.modules)\n"
        "assert not slow, slow\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
