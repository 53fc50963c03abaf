"""The real process, killed at random moments: what it left is finished by the next run.

SIGKILL: no handler runs, no file is closed. The moments are random, from a seed that is printed
(BATCHCTL_KILL_SEED tries it again), and boto3 counts what there is. The application runs as on AWS,
with the local cloud as AWS_ENDPOINT_URL, so that any setting may be changed.
"""

from __future__ import annotations

import os
import random
import re
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from account import WITNESSES
from application import BATCHCTL, Application
from left_in_cloud import left
from local_cloud import free_ports

pytestmark = [pytest.mark.e2e, pytest.mark.exhaustive]
# For each of `up`, an `up` that replaces, and `down`.
KILLS = 7
# A run is killed after so many of its lines of progress at most, and this long after the line.
MOST_LINES = 4
MOST_DELAY_S = 0.25
# Or before the first line, while it starts and reads.
MOST_BEFORE_S = 1.5
CONFIG = """
api: {{port: {port}}}
compute: {{image: "registry.example/compute:{number}", memory_mib: {number}024}}
functions: {{memory_mib: {number}28}}
"""


class Runs:
    """Runs of the command line, some of which are killed."""

    def __init__(self, cloud: Application, folder: Path, seed: int) -> None:
        self._cloud = cloud
        self._folder = folder
        self._random = random.Random(seed)  # noqa: S311 - moments, no secrets
        key_id, secret = cloud.running.root
        self._environment = {
            **cloud.environment,
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{cloud.gateway_port}",
            "AWS_ACCESS_KEY_ID": key_id,
            "AWS_SECRET_ACCESS_KEY": secret,
            "AWS_REGION": "us-east-1",
        }
        self._port = free_ports(1)[0]
        self.kills = 0

    def configure(self, number: int) -> None:
        """Write the config.yaml of that number: each replaces and changes what another made."""
        text = CONFIG.format(port=self._port + number - 1, number=number)
        (self._folder / "config.yaml").write_text(text)

    def finish(self, *arguments: str) -> str:
        """Run a command to its end and return what it told."""
        with self._started(*arguments) as process:
            _, told = process.communicate(timeout=120)
        assert process.returncode == 0, told
        return told

    def kill_until_done(self, *arguments: str) -> int:
        """Run a command again and again, killed each time, until one has done all; count kills."""
        kills = 0
        while kills < KILLS and self._killed(*arguments):
            kills += 1
        self.kills += kills
        return kills

    def _killed(self, *arguments: str) -> bool:
        """Run a command and kill it at a random moment; False when it ended before."""
        lines = self._random.randint(0, MOST_LINES)
        delay_s = self._random.uniform(0, MOST_DELAY_S if lines else MOST_BEFORE_S)
        with self._started(*arguments) as process:
            assert process.stderr is not None
            told = ""
            while lines and (line := process.stderr.readline()):
                told += line
                lines -= bool(re.match(r"\[\d+/", line))
            time.sleep(delay_s)
            process.kill()
            told += process.stderr.read()
        assert process.returncode in {0, -9}, told
        return process.returncode == -9

    def _started(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*BATCHCTL, *arguments],
            cwd=self._folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )


@pytest.fixture
def runs(application: Application, tmp_path: Path) -> Runs:
    seed = int(os.environ.get("BATCHCTL_KILL_SEED") or random.randrange(10**6))  # noqa: S311 - as above
    print(f"BATCHCTL_KILL_SEED={seed}")  # noqa: T201 - shown when the test fails
    return Runs(application, tmp_path, seed)


def holdings(application: Any) -> dict[str, list[str]]:
    """What boto3 finds of the application, by kind, without the revisions of the definitions."""
    found = {what: sorted(read(application)) for what, read in WITNESSES.items()}
    definitions = [each.rpartition(":")[0] for each in found["job definitions"]]
    return {**found, "job definitions": definitions}


def test_killed_at_random_moments_every_run_ends_with_one_of_each_or_with_none(
    application: Application, runs: Runs
) -> None:
    runs.configure(1)
    runs.kill_until_done("up", "--yes")
    runs.finish("up", "--yes")
    runs.finish("plan", "--exit-code")  # it exits with 3 when there are changes
    after_kills = holdings(application)
    runs.kill_until_done("down", "--yes")
    runs.finish("down", "--yes")
    assert left(application) == {"roles": ["AWSServiceRoleForBatch"]}

    runs.finish("up", "--yes")
    undisturbed = holdings(application)
    assert after_kills == undisturbed
    number = 1
    while runs.kills < 3 * KILLS:
        number = 3 - number
        runs.configure(number)
        runs.kill_until_done("up", "--yes")
        runs.finish("up", "--yes")
        runs.finish("plan", "--exit-code")  # it exits with 3 when there are changes
    counts = {what: len(names) for what, names in holdings(application).items()}
    definitions = counts.pop("job definitions")
    assert counts == {
        what: len(names) for what, names in undisturbed.items() if what != "job definitions"
    }
    assert definitions <= 1 + runs.kills
    runs.finish("down", "--yes")
    assert left(application) == {"roles": ["AWSServiceRoleForBatch"]}
