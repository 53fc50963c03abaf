"""`batchctl policy`: a policy for who asks, with no credentials at all; Terraform; the trust."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

Batchctl = Callable[..., Result]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of an account that is known by name alone: no credentials anywhere."""
    monkeypatch.chdir(tmp_path)
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/dev/null")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    write(tmp_path, 'account_id: "123456789012"\n')
    return tmp_path


def write(folder: Path, extra: str = "") -> None:
    text = "name: batchapp\nregion: us-east-1\ncompute: {image: registry.example/x:1}\n"
    (folder / "config.yaml").write_text(text + extra)


def test_the_policy_is_printed_as_a_document_and_needs_no_credentials(batchctl: Batchctl) -> None:
    result = batchctl("policy", "--for", "down")
    assert result.exit_code == 0, result.output
    policy = json.loads(result.stdout)
    assert policy["Version"] == "2012-10-17"
    allowed = {action for each in policy["Statement"] for action in each["Action"]}
    assert {"sqs:DeleteQueue", "batch:DeleteJobQueue", "iam:DeleteRole"} <= allowed
    assert not {each for each in allowed if ":Create" in each}
    assert "arn:aws:sqs:us-east-1:123456789012:batchapp-*" in result.stdout


def test_an_unknown_account_is_said_and_left_open(batchctl: Batchctl, folder: Path) -> None:
    write(folder)
    result = batchctl("policy", "--for", "jobs")
    assert result.exit_code == 0, result.output
    assert "arn:aws:lambda:us-east-1:*:function:batchapp-JobTracker" in result.stdout
    assert "the account isn't known" in result.stderr


def test_a_policy_too_long_for_one_says_what_to_do_and_terraform_splits_it(
    batchctl: Batchctl,
) -> None:
    result = batchctl("policy")
    assert json.loads(result.stdout)["Statement"]
    assert "`--format terraform`" in result.stderr
    split = batchctl("policy", "--format", "terraform").stdout
    assert 'resource "aws_iam_policy" "batchapp_batchctl_all_1" {' in split
    assert 'resource "aws_iam_policy" "batchapp_batchctl_all_2" {' in split
    assert split.count("jsonencode({") == split.count("resource ")


def test_the_trust_of_a_pipelines_role(batchctl: Batchctl) -> None:
    policy = json.loads(batchctl("policy", "--trust", "github:my-org/my-repo").stdout)
    condition = policy["Statement"][0]["Condition"]["StringEquals"]
    assert "repo:my-org/my-repo:ref:refs/heads/main" in condition.values()
    role = batchctl("policy", "--trust", "github:a/b", "--format", "terraform").stdout
    assert 'resource "aws_iam_role" "batchapp_batchctl_deploy" {' in role


def test_a_trust_that_means_nobody_is_refused(batchctl: Batchctl) -> None:
    result = batchctl("policy", "--trust", "github:a")
    assert result.exit_code == 2
    assert "could not read `--trust github:a`" in result.stderr
    assert "hint: write `github:ORG/REPO`" in result.stderr
