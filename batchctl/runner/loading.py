"""The template as the supervisor watches it: what it prints, whether it is ready, or gone."""

from __future__ import annotations

import contextlib
import os
import select
import selectors
from collections.abc import Callable
from dataclasses import dataclass

from batchctl.contract.reasons import Reason
from batchctl.runner.channel import Channel, pair
from batchctl.runner.job_table import Outcome
from batchctl.runner.log import Log
from batchctl.runner.memory_events import MemoryKills
from batchctl.runner.output import Output
from batchctl.runner.slot import READ_BYTES, End
from batchctl.runner.template import Template


@dataclass(frozen=True)
class Loaded:
    """What the supervisor does when the user's code is `ready`, or has `failed` for every item."""

    ready: Callable[[], None]
    failed: Callable[[Outcome], None]


class Loading:
    """One template, watched with a selector; `output` is what it prints to, its read end."""

    def __init__(
        self, template: Template, output: int, selector: selectors.BaseSelector, log: Log
    ) -> None:
        """Watch nothing yet."""
        self._template, self._output = template, output
        self._selector, self._log = selector, log
        self._printed = Output()
        self._kills, self._kills_before = MemoryKills(None), 0
        self._loaded: Loaded | None = None
        self._is_ready = False
        self.is_lost = False

    @property
    def pid(self) -> int:
        """The template's process."""
        return self._template.pid

    @property
    def is_ready(self) -> bool:
        """Whether the user's code is loaded."""
        return self._is_ready

    @property
    def is_under_way(self) -> bool:
        """Whether it is being loaded."""
        return not self._is_ready and not self.is_lost

    def watch(self, kills: MemoryKills, loaded: Loaded) -> None:
        """Watch it from now on."""
        self._kills, self._kills_before, self._loaded = kills, kills.count(), loaded
        os.set_blocking(self._output, False)  # its only form
        self._selector.register(self._template.channel, selectors.EVENT_READ, self._receive)
        self._selector.register(self._output, selectors.EVENT_READ, self._read_output)

    def set_up(self, parameters: dict[str, object], tries: int, folder: str | None) -> None:
        """Have `setup` run: of the compute.py in `folder`, None: of the image's."""
        self._template.channel.send({"parameters": parameters, "tries": tries, "folder": folder})

    def new_keeper(self) -> Channel | None:
        """Have a keeper forked, and return the channel to it; None where the template is gone."""
        ours, others = pair()
        with others:
            if self._template.channel.send({"new": "keeper"}, (others.fileno(),)):
                return ours
        ours.close()
        return None

    def dismiss(self) -> None:
        """Hear it no longer: it is about to be ended."""
        if not self.is_lost:
            self._selector.unregister(self._template.channel)
            self._template.channel.close()
        self.is_lost = True

    def drain(self) -> None:
        """Log what it has printed and nobody has read yet; it has ended."""
        poll = select.poll()
        poll.register(self._output, select.POLLIN)
        while poll.poll(0) and self._read_output():
            pass
        for line in self._printed.end():
            self._log.line(message=line)

    def _receive(self) -> None:
        for message in self._template.channel.available():
            content = message.content
            if "warning" in content:
                self._log.line(warning=content["warning"])
            elif "failed" in content:
                self._fail(Outcome(None, content["failed"], 0, 0.0, Reason(content["reason"])))
            elif "ready" in content and self._loaded is not None:
                self._is_ready = True
                self._loaded.ready()
        if self._template.channel.is_closed:
            self.dismiss()
            if not self._is_ready:
                self._fail(self._end())

    def _fail(self, outcome: Outcome) -> None:
        if self._loaded is not None:
            self._loaded.failed(outcome)

    def _end(self) -> Outcome:
        """Return what the end of the template means for every item."""
        _, status = os.waitpid(self._template.pid, 0)
        end = End(status)
        ran_out = end.signal == "SIGKILL" and self._kills.attribute(self._kills_before)
        how = f"ended with exit status {end.exit_code}"
        if end.signal is not None:
            how = f"was killed by {'the kernel: out of memory' if ran_out else end.signal}"
        return Outcome(
            None,
            f"the process {how} while it imported compute.py or ran setup",
            0,
            0.0,
            Reason.OUT_OF_MEMORY if ran_out else Reason.EXIT_CODE,
            exit_code=end.exit_code,
            signal=end.signal,
        )

    def _read_output(self) -> bool:
        try:
            data = os.read(self._output, READ_BYTES)
        except BlockingIOError:
            return False
        if not data:
            with contextlib.suppress(KeyError):
                self._selector.unregister(self._output)
        for line in self._printed.add(data):
            self._log.line(message=line)
        return bool(data)
