from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner
from local_cloud import free_ports

from batchctl.cli import main
from batchctl.errors import BatchctlError
from batchctl.local.control import root_secret
from batchctl.local.control.interruption import interrupt, rounds
from batchctl.local.control.record import CloudRecord


class Server(HTTPServer):
    """A local cloud that only interrupts, and keeps what it was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[tuple[str, str | None, dict[str, float]]] = []
        self.authorizations: list[str | None] = []


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.authorizations.append(self.headers["authorization"])
        self.server.asked.append((self.path, self.headers["content-type"], body))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"interrupted": ["job-1", "job-2:7"]}')

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name it has there
        return


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def running(directory: Path, port: int) -> CloudRecord:
    root_secret.create(directory)
    return CloudRecord(1, 1, 0.0, str(directory), port, 9999, "/nowhere", "us-east-1", 2)


def test_the_cloud_is_asked_with_the_rate_and_tells_what_was_hit(
    server: Server, tmp_path: Path
) -> None:
    cloud = running(tmp_path, server.server_port)
    assert interrupt(cloud, 0.25) == ["job-1", "job-2:7"]
    assert server.authorizations == [f"Bearer {cloud.root[1]}"]
    assert server.asked == [("/_batchctl/interrupt", "application/json", {"rate": 0.25})]


def test_a_cloud_that_does_not_answer_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(BatchctlError, match="could not interrupt tasks"):
        interrupt(running(tmp_path, free_ports(1)[0]), 1.0)


@pytest.mark.parametrize(("seconds", "expected"), [(0, 1), (0.9, 1), (1, 2), (5, 6)])
def test_rounds_are_a_second_apart_until_the_time_is_over(seconds: float, expected: int) -> None:
    now = [100.0]

    def sleep(pause: float) -> None:
        now[0] += pause

    hits = iter([["a"], [], ["b", "c"], [], [], [], []])
    found = list(rounds(lambda: next(hits), seconds, lambda: now[0], sleep))
    assert len(found) == expected
    assert found[0] == ["a"]
    assert now[0] == 100.0 + expected - 1


def test_without_a_local_cloud_the_command_says_how_to_get_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(main, ["local", "interrupt", "--rate", "0.5"])
    assert done.exit_code == 1
    assert "the local cloud is not running" in done.stderr
    assert "hint: start it" in done.stderr


@pytest.mark.parametrize("wrong", ["-0.1", "1.1", "much"])
def test_a_rate_that_is_no_chance_is_a_usage_error(wrong: str) -> None:
    assert CliRunner().invoke(main, ["local", "interrupt", "--rate", wrong]).exit_code == 2
