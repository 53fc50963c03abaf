"""An application on a local cloud of its own, used through the command line as a user does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from local_cloud import free_ports

from batchctl.local.control import process
from batchctl.local.control.record import CloudRecord

REGION = "us-east-1"
ENDED = ("SUCCEEDED", "FAILED", "CANCELLED")
BATCHCTL = (sys.executable, "-c", "from batchctl.cli import main; main()")


@dataclass(frozen=True)
class Answer:
    """An HTTP answer: status, content type, JSON body."""

    status: int
    content_type: str
    body: Any


@dataclass(frozen=True)
class Application:
    """A folder with a config.yaml that names ports of its own."""

    folder: Path
    gateway_port: int
    port: int

    @classmethod
    def make(cls, folder: Path, extra: str = "") -> Application:
        gateway_port, port = free_ports(2)
        text = f"api: {{port: {port}}}\nlocal: {{gateway_port: {gateway_port}}}\n{extra}"
        (folder / "config.yaml").write_text(text)
        return cls(folder, gateway_port, port)

    @property
    def environment(self) -> dict[str, str]:
        """The user's environment: no AWS account."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
        return {**kept, "AWS_CONFIG_FILE": "/dev/null", "AWS_EC2_METADATA_DISABLED": "true"}

    def run(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run `batchctl` in the folder; with `check` it must succeed."""
        done = self.execute(*BATCHCTL, *arguments)
        assert not check or done.returncode == 0, done.stderr
        return done

    def execute(self, *command: str, timeout_s: float = 120) -> subprocess.CompletedProcess[str]:
        """Run a program in the folder, as the application's user does."""
        return subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout_s,
        )

    def local(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run `batchctl --local`."""
        return self.run("--local", *arguments, check=check)

    def request(self, method: str, path: str, body: Any = None) -> Answer:
        """Send a request to the load balancer, as curl does."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"content-type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - as above
                return _answer(answer)
        except urllib.error.HTTPError as error:
            with error:
                return _answer(error)

    def client(self, service: str) -> Any:
        """A boto3 client of the local cloud, as its root."""
        key_id, secret = self.running.root
        return boto3.client(  # type: ignore[call-overload]
            service,
            region_name=REGION,
            endpoint_url=f"http://127.0.0.1:{self.gateway_port}",
            aws_access_key_id=key_id,
            aws_secret_access_key=secret,
        )

    @property
    def running(self) -> CloudRecord:
        """The local cloud that runs in the folder."""
        found = process.status(self.folder / ".batchctl" / "local")
        assert found is not None
        return found

    def submit(self, job_id: str, *items: str) -> None:
        """Submit a job over these items; it must be taken."""
        answer = self.request("PUT", "/v1/new-task", {"job_id": job_id, "universe": list(items)})
        assert answer.status == 202, answer

    def job(self, job_id: str) -> Any:
        """The job as the API shows it."""
        return self.request("GET", f"/v1/tasks/{job_id}").body

    def ended(self, job_id: str, timeout_s: float = 180.0) -> Any:
        """The job once it has ended."""
        deadline = time.monotonic() + timeout_s
        while (found := self.job(job_id))["status"] not in ENDED:
            assert time.monotonic() < deadline, found
            time.sleep(0.2)
        return found

    def results(self, job_id: str) -> dict[str, dict[str, Any]]:
        """The results of a job by item, as the command line tells them."""
        rows = json.loads(self.local("results", job_id, "--format", "json").stdout)
        return {row["item"]: row for row in rows}


def _answer(answer: Any) -> Answer:
    return Answer(answer.status, answer.headers["content-type"], json.loads(answer.read()))
