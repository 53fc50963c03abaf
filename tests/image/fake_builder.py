"""A docker, podman or finch that does nothing but note how it was called, and answer as told."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROGRAM = """#!{python} -IS
import json, os, pathlib, sys, time
here = pathlib.Path(__file__).resolve().parent
words = ("--version", "version", "info", "buildx", "build", "image", "login", "push")
verb = next(word for word in sys.argv[1:] if word in words)
if verb == "buildx" and "build" in sys.argv:
    verb = "build"
names = ("DOCKER_CONFIG", "REGISTRY_AUTH_FILE", "BUILDX_NO_DEFAULT_ATTESTATIONS")
folder = os.environ.get("DOCKER_CONFIG")
config = pathlib.Path(folder, "config.json") if folder else None
call = {{
    "program": pathlib.Path(sys.argv[0]).name,
    "verb": verb,
    "arguments": sys.argv[1:],
    "given": sys.stdin.read(),
    "environment": {{name: os.environ[name] for name in names if name in os.environ}},
    "docker_config": config.read_text() if config and config.exists() else None,
}}
with (here / "calls").open("a") as calls:
    calls.write(json.dumps(call) + "\\n")
answers = json.loads((here / "answers").read_text())
left = answers.get(verb, [[0, ""]])
code, output = left[0]
if left[1:]:
    answers[verb] = left[1:]
    (here / "answers").write_text(json.dumps(answers))
print(output, flush=True)
if code == "hang":
    time.sleep(60)
sys.exit(code)
"""
VERSIONS = {
    "docker": "Docker version 28.2.2, build e6534b4",
    "podman": "podman version 4.3.1",
    "finch": "finch version v1.9.0",
}


@dataclass(frozen=True)
class FakeBuilder:
    """A builder on PATH. It builds for linux/amd64, and without buildx, unless told otherwise."""

    folder: Path
    name: str = "docker"

    def install(self) -> None:
        """Put it into its folder, which only it is in."""
        self.folder.mkdir(parents=True)
        program = self.folder / self.name
        program.write_text(PROGRAM.format(python=sys.executable), encoding="utf-8")
        program.chmod(0o755)
        self.answer()

    def answer(self, **answers: Sequence[tuple[int | str, str]]) -> None:
        """Let commands end with these codes and outputs, one after the other; the last stays.

        The code `hang` is none: the command doesn't end.
        """
        usual = {
            "--version": [(0, VERSIONS[self.name])],
            "buildx": [(1, "docker: unknown command: docker buildx")],
            "image": [(0, "linux/amd64")],
        }
        (self.folder / "answers").write_text(json.dumps({**usual, **answers}), encoding="utf-8")

    @property
    def calls(self) -> list[dict[str, Any]]:
        """All calls, in order."""
        path = self.folder / "calls"
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        return [json.loads(line) for line in lines]

    def called(self, verb: str) -> list[dict[str, Any]]:
        """The calls of one command."""
        return [call for call in self.calls if call["verb"] == verb]
