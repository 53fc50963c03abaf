"""What the login promises: whatever keeps the credentials away is one error with what to do."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import boto3
import pytest

from batchctl.aws.clock import Clock
from batchctl.aws.session import Aws, Connection
from batchctl.errors import LoggedOut

Profile = Callable[[str], Aws]


@pytest.fixture
def profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Profile:
    """Return what opens an account with a profile of these lines, and with nothing else."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("HOME", str(tmp_path))

    def opened(lines: str) -> Aws:
        (tmp_path / "config").write_text(f"[profile work]\nregion = us-east-1\n{lines}\n")
        session = boto3.Session(profile_name="work")
        now = [0.0]
        clock = Clock(now=lambda: now[0], sleep=lambda _s, s: now.__setitem__(0, now[0] + s))
        return Aws(Connection(session), stack="batchapp", tags={}, clock=clock)

    return opened


def program(tmp_path: Path, source: str) -> str:
    """Return a `credential_process` that runs this Python."""
    path = tmp_path / "login.py"
    path.write_text(source)
    return f"credential_process = {sys.executable} {path}"


ONE_ERROR = "could not log in with the profile `work`"


@pytest.mark.parametrize("printed", ["Please visit https://sso.example.com", "", "[]", '"text"'])
def test_a_login_program_that_prints_text_is_named_as_the_cause(
    profile: Profile, tmp_path: Path, printed: str
) -> None:
    aws = profile(program(tmp_path, f"print({printed!r})"))
    with pytest.raises(LoggedOut, match=f"{ONE_ERROR}: its `credential_process` printed") as error:
        aws.account  # noqa: B018 - the access is what is tried
    assert "Version: 1" in str(error.value.hint)


def test_what_a_login_program_says_on_stderr_is_shown(profile: Profile, tmp_path: Path) -> None:
    aws = profile(program(tmp_path, "import sys; sys.exit('the VPN is down')"))
    with pytest.raises(LoggedOut, match="the VPN is down"):
        aws.account  # noqa: B018 - the access is what is tried


def test_a_missing_login_program_is_named(profile: Profile) -> None:
    aws = profile("credential_process = /opt/corporate/sso-helper --json")
    with pytest.raises(LoggedOut, match="`/opt/corporate/sso-helper`: No such file") as error:
        aws.account  # noqa: B018 - the access is what is tried
    assert "credential_process" in str(error.value.hint)


def test_a_missing_token_file_is_named(profile: Profile) -> None:
    role = "role_arn = arn:aws:iam::123456789012:role/ci"
    aws = profile(f"{role}\nweb_identity_token_file = /var/run/secrets/token")
    with pytest.raises(LoggedOut, match="`/var/run/secrets/token`: No such file") as error:
        aws.account  # noqa: B018 - the access is what is tried
    assert "web_identity_token_file" in str(error.value.hint)


def test_a_profile_that_asks_for_a_code_says_so_where_nobody_can_type(profile: Profile) -> None:
    lines = (
        "role_arn = arn:aws:iam::123456789012:role/admin\nsource_profile = base\n"
        "mfa_serial = arn:aws:iam::123456789012:mfa/me\n"
        "[profile base]\naws_access_key_id = testing\naws_secret_access_key = testing"
    )
    aws = profile(lines)
    session = vars(aws.connection.session)["_session"]
    providers = session.get_component("credential_provider")
    # What `getpass` does where standard input is at its end.
    vars(providers.get_provider("assume-role"))["_prompter"] = _nobody_types
    with pytest.raises(LoggedOut, match="MFA code, and there is no terminal") as error:
        aws.account  # noqa: B018 - the access is what is tried
    assert "export-credentials" in str(error.value.hint)


def _nobody_types(_prompt: str) -> str:
    raise EOFError


def test_a_profile_of_aws_login_says_what_to_install_or_to_run(
    profile: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("botocore.credentials.EC", None)
    aws = profile("login_session = arn:aws:iam::123456789012:user/me")
    with pytest.raises(LoggedOut, match="`aws login`, which takes the package `awscrt`") as error:
        aws.account  # noqa: B018 - the access is what is tried
    assert "botocore[crt]" in str(error.value.hint)
    assert "export-credentials" in str(error.value.hint)


def test_a_login_that_failed_is_not_tried_again_by_the_other_calls(
    profile: Profile, tmp_path: Path
) -> None:
    calls = tmp_path / "calls"
    aws = profile(program(tmp_path, f"open({str(calls)!r}, 'a').write('x'); print('text')"))
    errors = []
    for client in ("sts", "sqs", "iam", "batch"):
        with pytest.raises(LoggedOut) as error:
            getattr(aws, client)
        errors.append(error.value)
    assert calls.read_text() == "x"
    assert len(set(map(id, errors))) == 1


def test_a_login_program_that_breaks_later_ends_the_run_the_same_way(
    profile: Profile, tmp_path: Path
) -> None:
    expired = {
        "Version": 1,
        "AccessKeyId": "AKIA",
        "SecretAccessKey": "secret-of-the-test",
        "SessionToken": "token-of-the-test",
        "Expiration": "2020-01-01T00:00:00Z",
    }
    source = (
        "import os\n"
        f"first = not os.path.exists({str(tmp_path / 'ran')!r})\n"
        f"open({str(tmp_path / 'ran')!r}, 'w')\n"
        f"print({json.dumps(expired)!r} if first else 'your session is over')"
    )
    aws = profile(program(tmp_path, source))
    with pytest.raises(LoggedOut, match="printed something else than credentials"):
        aws.account  # noqa: B018 - the access is what is tried


def test_a_login_without_an_answer_is_no_lost_login(
    profile: Profile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # botocore itself repeats the login's call, with pauses that pass in no clock of ours.
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    token = tmp_path / "token"
    token.write_text("a.b.c")
    lines = (
        f"role_arn = arn:aws:iam::123456789012:role/ci\nweb_identity_token_file = {token}\n"
        "sts_regional_endpoints = regional"
    )
    aws = profile(lines)
    with pytest.raises(Exception, match="no answer to the login") as error:
        aws.sqs.create_queue(QueueName="x")  # a create: it wasn't sent, so it may be repeated
    assert not isinstance(error.value, LoggedOut)
    assert "waited 30 s" in "".join(error.value.__notes__)
