"""An application's whole life on an account of yours, to see that batchctl keeps its promises.

For each front door, and then for the first of them again: `up`, an array job, its results, a change
that replaces something, drift made by hand and mended, the switch to the next door; at the end
`down`, and a search for what is left. Says first
what it makes and costs, and asks. Writes report.md and calls.jsonl (AWS's answers without what
says whose they are) into --out. `--local` does the same on this machine's local cloud; with
AWS_ENDPOINT_URL it works on any emulator, and lists what that answers with 501. See
docs/development.md.
"""

from __future__ import annotations

import json
import os
import platform
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from argparse import ArgumentParser
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import boto3
from orphans import orphans
from recordings import Scrubber, read
from surroundings import environment, free_port

from batchctl.local.control import process

HERE = Path(__file__).parent
DOORS: Final = {"alb": ("alb", "none"), "restapi": ("restapi", "none"), "iam": ("restapi", "iam")}
THERE_AND_BACK: Final = (*DOORS, "alb")
# How emulators say that they don't have an operation: with this status, or with one of these codes.
NOT_IMPLEMENTED: Final = 501
UNKNOWN: Final = frozenset({"InvalidAction", "UnknownOperationException", "NotImplemented"})
ITEMS: Final = ("AAPL", "AMZN", "GOOG", "IBM", "MSFT", "000002.XSHE", "000004.XSHE")
COSTS: Final = (
    "It makes an application with a load balancer ($0.0225 an hour and $0.005 for each of its "
    "addresses), REST APIs, functions, a table, queues, and some Spot instances of one vCPU for "
    "jobs of seven items, twice for each door. All that is under a dollar when it goes to its end, "
    "in about 30 minutes, and deletes what it has made. If it is cut off, `batchctl down "
    "--delete-data` in the folder that it names deletes the rest."
)


class Skipped(Exception):
    """The emulator doesn't have what this stage needs."""


@dataclass
class Stage:
    """What came of one stage."""

    name: str
    outcome: str = "ok"
    seconds: float = 0.0
    calls: int = 0
    seen: str = ""


@dataclass
class Acceptance:
    """One run; `endpoint` is that of the local cloud or of an emulator."""

    folder: Path
    out: Path
    doors: tuple[str, ...]
    local: bool
    name: str = field(default_factory=lambda: f"accept-{secrets.token_hex(3)}")
    stages: list[Stage] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)
    missing: set[str] = field(default_factory=set)

    @property
    def recording(self) -> Path:
        """Where the calls go."""
        return self.out / "calls.jsonl"

    @cached_property
    def around(self) -> dict[str, str]:
        """The environment of the commands: the local cloud needs nothing of the user's."""
        around = environment() if self.local else dict(os.environ)
        account = "000000000000" if self.local else self.account
        return {**around, "ACCEPTANCE_ACCOUNT": account}

    @cached_property
    def session(self) -> boto3.Session:
        """The witness's session."""
        if not self.local:
            return boto3.Session()
        running = process.status(self.folder / ".batchctl" / "local")
        assert running is not None
        key_id, secret = running.root
        return boto3.Session(key_id, secret, region_name="us-east-1")

    @cached_property
    def endpoint(self) -> str | None:
        """The local cloud's endpoint; None where boto3's own rules say it."""
        return f"http://127.0.0.1:{self.settings['local']['gateway_port']}" if self.local else None

    @cached_property
    def account(self) -> str:
        """The account, as STS says."""
        return str(self.client("sts").get_caller_identity()["Account"])

    def client(self, service: str) -> Any:
        """Return a client of the witness."""
        return self.session.client(service, endpoint_url=self.endpoint)  # type: ignore[call-overload]

    # The life

    def live(self) -> None:
        """Live it; what fails is in the stages, and `down` comes in any case."""
        shutil.copytree(HERE.parent / "compute", self.folder / "compute")
        self.settings = {"name": self.name, "job_table": {"deletion_protection": False}}
        if self.local:
            self.settings |= {
                "api": {"port": free_port()},
                "local": {"gateway_port": free_port()},
            }
            self._write_settings()
            self._stage("local start", lambda: self._run("local", "start", local=False))
        try:
            for number, door in enumerate(self.doors):
                self._live_behind(door, number)
        finally:
            self._stage("down", lambda: self._run("down", "--yes", "--delete-data"))
            self._stage("search for what is left", self._search)
            if self.local:
                self._stage("local stop", lambda: self._run("local", "stop", local=False))

    def _live_behind(self, door: str, number: int) -> None:
        mode, auth = DOORS[door]
        self.settings["api"] = {**self.settings.get("api", {}), "mode": mode, "auth": auth}
        self._write_settings()
        first = "first up" if number == 0 else f"switch to {door}"
        is_up = self._stage(
            f"{first} ({door})", lambda: self._up("--api-mode", mode, "--auth", auth)
        )
        jobs = f"{door}-{number}"
        stages: dict[str, Callable[[], str | None]] = {
            "up again": self._require_no_changes,
            f"array job of {len(ITEMS)} items": lambda: self._job(f"{jobs}-1"),
            "replacement: the roles' path": lambda: self._replace(f"/{self.name}/{jobs}/"),
            "drift by hand, seen and mended": self._drift,
            "another job": lambda: self._job(f"{jobs}-2"),
        }
        for name, work in stages.items():
            self._stage(f"{name} ({door})", work if is_up else self._skip_without_up)

    def _up(self, *options: str) -> None:
        self._run("up", "--yes", "--loosen", *options)

    def _skip_without_up(self) -> str:
        raise Skipped("the application isn't up")

    def _replace(self, path: str) -> str:
        self.settings["iam"] = {"path": path}
        self._write_settings()
        replaced = [s["address"] for s in self._planned() if s["action"] == "replace"]
        assert replaced, "nothing is to be replaced"
        self._up()
        self._require_no_changes()
        return f"{len(replaced)} replaced: {', '.join(replaced)}"

    def _drift(self) -> str:
        queues = self.client("sqs")
        url = queues.list_queues(QueueNamePrefix=f"{self.name}-")["QueueUrls"][0]
        queues.set_queue_attributes(QueueUrl=url, Attributes={"MessageRetentionPeriod": "600"})
        groups = self.client("logs")
        prefix = f"/aws/lambda/{self.name}-"
        group = groups.describe_log_groups(logGroupNamePrefix=prefix)["logGroups"][0]
        groups.delete_log_group(logGroupName=group["logGroupName"])
        seen = [step["address"] for step in self._planned() if step["action"] != "no-op"]
        assert len(seen) >= 2, f"of two changes the plan shows {seen}"
        self._up()
        self._require_no_changes()
        return f"seen: {', '.join(seen)}"

    def _job(self, job: str) -> str:
        signed = ("--assume-api-role",) if self.settings["api"]["auth"] == "iam" else ()
        if self.local:
            signed = ()
        universe = ",".join(ITEMS)
        self._run("submit", "--job-id", job, "--universe", universe, "--wait", *signed)
        results = json.loads(self._run("results", job, "--json", *signed))
        found = results["results"] if isinstance(results, dict) else results
        assert len(found) == len(ITEMS), f"{len(found)} results of {len(ITEMS)}"
        return f"{len(found)} results"

    def _require_no_changes(self) -> str:
        changed = [s["address"] for s in self._planned() if s["action"] not in {"no-op", "keep"}]
        assert not changed, f"the plan isn't empty: {changed}"
        return "the plan is empty"

    def _planned(self) -> list[dict[str, Any]]:
        steps: list[dict[str, Any]] = json.loads(self._run("plan", "--json"))["steps"]
        return steps

    def _search(self) -> str:
        left, unasked = orphans(self.session, self.name, self.endpoint)
        self.missing.update(unasked)
        assert not left, f"left: {left}"
        return "nothing is left"

    # How

    def _run(self, *arguments: str, local: bool | None = None) -> str:
        """Run one command; return what it printed. AssertionError with what it said."""
        where = ("--local",) if (self.local if local is None else local) else ()
        command = [sys.executable, str(HERE / "recorded.py"), str(self.recording)]
        before = self._calls()
        ended = subprocess.run(
            [*command, *where, *arguments],
            cwd=self.folder,
            env=self.around,
            capture_output=True,
            text=True,
            check=False,
        )
        if ended.returncode == 0:
            return ended.stdout
        if unsupported := self._unsupported(before):
            self.missing |= unsupported
            raise Skipped(f"not implemented there: {', '.join(sorted(unsupported))}")
        said = (ended.stderr or ended.stdout).strip()[-600:]
        raise AssertionError(
            f"`batchctl {' '.join(arguments)}` ended with {ended.returncode}: {said}"
        )

    def _unsupported(self, before: int) -> set[str]:
        """Return the operations since so many calls that an emulator said it doesn't have."""
        if not self.recording.exists():
            return set()
        return {
            f"{line['service']}.{line['operation']}"
            for line in list(read(self.recording))[before:]
            if _is_unknown(line.get("error", {}))
        }

    def _stage(self, name: str, work: Callable[[], str | None]) -> bool:
        """Do the work and note what came of it; return whether all was well."""
        stage = Stage(name)
        before, started = self._calls(), time.monotonic()
        print(f"{name} …", file=sys.stderr, flush=True)
        try:
            seen = work()
            stage.seen = seen if seen and "\n" not in seen else ""
        except Skipped as skipped:
            stage.outcome, stage.seen = "skipped", str(skipped)
        except Exception as error:  # noqa: BLE001 - of whatever kind: `down` must come
            stage.outcome, stage.seen = "FAILED", str(error)
        stage.seconds, stage.calls = time.monotonic() - started, self._calls() - before
        print(f"  {stage.outcome} in {stage.seconds:.1f} s {stage.seen}", file=sys.stderr)
        self.stages.append(stage)
        return stage.outcome == "ok"

    def _calls(self) -> int:
        if not self.recording.exists():
            return 0
        with self.recording.open(encoding="utf-8") as file:
            return sum(1 for _ in file)

    def _write_settings(self) -> None:
        # JSON is YAML.
        text = json.dumps(self.settings, indent=2)
        (self.folder / "config.yaml").write_text(text, encoding="utf-8")

    def report(self) -> str:
        """Return the report, in Markdown, scrubbed."""
        lines = "".join(f"| {' | '.join(_row(each))} |\n" for each in self.stages)
        missing = "".join(f"- {each}\n" for each in sorted(self.missing)) or "- nothing\n"
        where = "the local cloud" if self.local else os.environ.get("AWS_ENDPOINT_URL", "AWS")
        text = (
            f"# Acceptance of {datetime.now(UTC):%Y-%m-%d %H:%M} UTC\n\n"
            f"On {where}, region {self.session.region_name}, doors {', '.join(self.doors)}; "
            f"Python {platform.python_version()}, boto3 {boto3.__version__}. "
            f"{sum(each.outcome == 'ok' for each in self.stages)} of {len(self.stages)} stages ok, "
            f"{sum(each.seconds for each in self.stages):.0f} s, {self._calls()} calls.\n\n"
            f"| stage | outcome | seconds | calls | seen |\n|---|---|---|---|---|\n{lines}\n"
            f"Not supported or not asked there:\n\n{missing}"
        )
        return str(Scrubber(self.around["ACCEPTANCE_ACCOUNT"]).scrub(text))

    @property
    def passed(self) -> bool:
        """Whether nothing has failed."""
        return all(each.outcome != "FAILED" for each in self.stages)


def _is_unknown(error: Mapping[str, Any]) -> bool:
    """Whether an answer says that there is no such operation here."""
    status = error.get("ResponseMetadata", {}).get("HTTPStatusCode")
    return status == NOT_IMPLEMENTED or error.get("Error", {}).get("Code") in UNKNOWN


def _row(stage: Stage) -> Iterator[str]:
    yield from (stage.name, stage.outcome, f"{stage.seconds:.1f}", str(stage.calls))
    yield stage.seen.replace("\n", " ").replace("|", "\\|")


def _agreed(acceptance: Acceptance, *, yes: bool) -> bool:
    """Say what it is going to do and cost; ask unless `yes`."""
    if acceptance.local:
        return True
    where: Mapping[str, str | None] = {
        "account": acceptance.account,
        "region": acceptance.session.region_name,
        "endpoint": os.environ.get("AWS_ENDPOINT_URL", "AWS"),
    }
    print(", ".join(f"{key} {value}" for key, value in where.items()), file=sys.stderr)
    print(f"{COSTS}\nThe stack is `{acceptance.name}`, in {acceptance.folder}.", file=sys.stderr)
    return yes or input("Go on? [y/N] ").strip().lower() in {"y", "yes"}


def main() -> int:
    """Live the life that the command line asks for; 1 when something fails, 2 when not agreed."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--local", action="store_true", help="on this machine's local cloud")
    parser.add_argument("--door", action="append", choices=DOORS, help="only this; repeatable")
    parser.add_argument("--out", type=Path, default=Path("acceptance"), help="folder of the report")
    parser.add_argument("--yes", action="store_true", help="don't ask")
    arguments = parser.parse_args()
    out = arguments.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    (out / "calls.jsonl").unlink(missing_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="acceptance-"))
    doors = tuple(arguments.door or THERE_AND_BACK)
    acceptance = Acceptance(folder, out, doors, arguments.local)
    if not _agreed(acceptance, yes=arguments.yes):
        folder.rmdir()
        return 2
    acceptance.live()
    (out / "report.md").write_text(acceptance.report(), encoding="utf-8")
    print(out / "report.md")
    if acceptance.passed:
        shutil.rmtree(folder)
    return 0 if acceptance.passed else 1


if __name__ == "__main__":
    sys.exit(main())
