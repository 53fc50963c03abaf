"""Another user of the same machine: reads nothing, calls nothing.

The attacks run as the user `nobody`, in Python without any package.
"""

from __future__ import annotations

import json
import os
import pwd
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from victim import INTRUDER, MARKER, Victim

pytestmark = pytest.mark.e2e

NOBODY = "nobody"

ATTACK = r"""
import http.client, json, os, sys
directory, pids, gateway = sys.argv[1], sys.argv[2].split(","), int(sys.argv[3])
seen = {"uid": os.getuid(), "read": [], "text": "", "statuses": []}

def read(path):
    try:
        with open(path, "rb") as file:
            seen["text"] += file.read().decode(errors="replace")
        return True
    except OSError:
        return False

for folder, _, names in os.walk(os.path.dirname(directory)):
    seen["read"] += [p for p in (os.path.join(folder, n) for n in names) if read(p)]
names = "root-secret cloud.json cloud.log cloud.lock".split()
seen["read"] += [p for p in (os.path.join(directory, n) for n in names) if read(p)]
try:
    seen["read"] += os.listdir(directory)
except OSError:
    pass
for pid in pids:
    read(f"/proc/{pid}/cmdline")
    seen["read"] += [p for n in ("environ", "mem", "maps", "fd/1") if read(p := f"/proc/{pid}/{n}")]

def call(key, path, body=""):
    connection = http.client.HTTPConnection("127.0.0.1", gateway, timeout=60)
    scope = f"Credential={key}/20260101/us-east-1/iam/aws4_request"
    value = f"AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=" + "0" * 64
    headers = {"Authorization": value} if key else {}
    headers["Content-Type"] = "application/x-www-form-urlencoded"
    connection.request("POST", path, body, headers)
    seen["statuses"].append(connection.getresponse().status)

for key in ("", "000000000000", "test", "AKIAIOSFODNN7EXAMPLE"):
    call(key, "/", "Action=CreateUser&UserName=intruder&Version=2010-05-08")
    call(key, "/_ministack/reset")
    call(key, "/_batchctl/interrupt", "{}")
print(json.dumps(seen))
"""


@cache
def interpreter() -> str:
    """A Python that `nobody` can run; empty when there is none, or we may not become `nobody`."""
    candidates = (sys.executable, shutil.which("python3", path="/usr/bin:/usr/local/bin") or "")
    return next((each for each in candidates if each and can_run(each)), "")


def can_run(program: str) -> bool:
    try:
        return run_as_nobody(program, "pass").returncode == 0
    except OSError:
        return False


def run_as_nobody(program: str, source: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    entry = pwd.getpwnam(NOBODY)
    return subprocess.run(
        [program, "-I", "-S", "-c", source, *arguments],
        user=entry.pw_uid,
        group=entry.pw_gid,
        extra_groups=[],
        cwd="/",
        env={"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def why_not() -> str:
    if os.geteuid() != 0:
        return "only root can become another user"
    return "" if interpreter() else f"no Python here that `{NOBODY}` can run"


@pytest.fixture(scope="module")
def seen(victim: Victim) -> dict[str, Any]:
    """What `nobody` has seen after all attacks."""
    if why_not():
        pytest.skip(why_not())
    running = victim.cloud.running
    pids = ",".join(map(str, (running.pid, running.reaper_pid)))
    done = run_as_nobody(interpreter(), ATTACK, running.directory, pids, str(victim.gateway))
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    assert found["uid"] == pwd.getpwnam(NOBODY).pw_uid
    return found


def test_another_user_can_enter_the_folder_around_the_cloud(victim: Victim) -> None:
    """Else the next tests would prove nothing."""
    if why_not():
        pytest.skip(why_not())
    source = "import os, sys; os.chdir(sys.argv[1])"
    project = str(victim.directory.parent)
    assert run_as_nobody(interpreter(), source, project).returncode == 0


def test_another_user_reads_nothing_of_the_cloud(seen: dict[str, Any]) -> None:
    assert seen["read"] == []


def test_another_user_does_not_see_the_secret(victim: Victim, seen: dict[str, Any]) -> None:
    assert victim.root.secret not in seen["text"]


def test_another_user_calls_nothing(victim: Victim, seen: dict[str, Any]) -> None:
    assert len(seen["statuses"]) == 12
    assert set(seen["statuses"]) <= {400, 401, 403, 404}
    assert INTRUDER not in victim.names()
    assert MARKER in victim.names()


@pytest.mark.parametrize(
    ("name", "mode"), [("root-secret", 0o600), ("cloud.lock", 0o600), (".", 0o700)]
)
def test_the_secret_and_its_folder_belong_to_their_user_alone(
    victim: Victim, name: str, mode: int
) -> None:
    found = (victim.directory / name).stat()
    assert (found.st_mode & 0o777, found.st_uid) == (mode, os.getuid())


def test_no_command_line_has_the_secret(victim: Victim) -> None:
    lines = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()]
    assert lines
    assert not any(victim.root.secret.encode() in line for line in lines)


def test_every_cloud_has_a_long_secret_of_its_own(victim: Victim) -> None:
    assert len(victim.root.secret) >= 40
    assert victim.root.secret not in ("local-cloud-root", "test")
    assert len(set(victim.root.secret)) > 10
