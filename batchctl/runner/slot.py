"""A slot: where the supervisor has one item at a time computed, try by try, by a keeper.

The slot owns the pipes of the try in hand: what comes over them is the item's, whoever wrote it.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from batchctl.contract.reasons import Reason
from batchctl.runner.channel import Channel
from batchctl.runner.job_table import Outcome
from batchctl.runner.memory_events import MemoryKills
from batchctl.runner.output import SURROUNDING_BYTES, Output
from batchctl.runner.reply import MAX_REPLY_BYTES, decoded

READ_BYTES = 65_536
MOST_LEFT_BYTES = 1024 * 1024
"""What is read of an ended item's pipes at most: where nothing ends its descendants (macOS), they
may write on."""

DEAF_S = 10.0
"""Far longer than a keeper takes to end an item."""

Print = Callable[[str, str], None]
"""Takes an item and a line that it has printed."""


@dataclass
class Hand:
    """The item in hand: at which place of the slice it stands, and how far its tries are.

    `own`: its own parameters.
    `deadline`: when its time is over, on the clock; None: never. `resume_at`: when its next try is
    due. `kills`: the kernel's counter at the beginning of the try.
    """

    at: int
    item: str
    deadline: float | None
    tries: int = 0
    resume_at: float | None = None
    is_timed_out: bool = False
    kills: int = 0
    own: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class End:
    """How the process of a try ended, as its keeper reports it; no status: the keeper is gone."""

    status: int | None = None
    seconds: float = 0.0
    peak_memory_mib: float | None = None

    @property
    def signal(self) -> str | None:
        """The name of the signal that ended the process; None where none did."""
        if self.status is None or not os.WIFSIGNALED(self.status):
            return None
        number = os.WTERMSIG(self.status)
        with contextlib.suppress(ValueError):
            return signal.Signals(number).name
        return str(number)

    @property
    def exit_code(self) -> int | None:
        """The exit status as a shell has it."""
        if self.status is None:
            return None
        code = os.waitstatus_to_exitcode(self.status)
        return code if code >= 0 else 128 - code


@dataclass
class Pipes:
    """The read ends of a try's pipes, and what has come over them."""

    result: int
    output: int
    printed: Output
    received: bytearray = field(default_factory=bytearray)


class Slot:
    """One keeper, and the item that it has in hand, if any."""

    def __init__(
        self, channel: Channel, selector: selectors.BaseSelector, ended: Callable[[Slot, End], None]
    ) -> None:
        """Watch a keeper; `ended` is called when the process of a try has ended."""
        self.channel, self._selector, self._ended = channel, selector, ended
        self.pid: int | None = None
        self.hand: Hand | None = None
        self._print: Print = lambda _item, _line: None
        self._pipes: Pipes | None = None
        self._number = 0
        self._stopped_at: float | None = None
        self.is_lost = False
        selector.register(channel, selectors.EVENT_READ, self._receive)

    def begin(self, hand: Hand, kills: MemoryKills, printed: Print) -> None:
        """Begin a try of an item."""
        self.hand, self._print = hand, printed
        hand.tries, hand.resume_at, hand.kills = hand.tries + 1, None, kills.count()
        self._number, self._stopped_at = self._number + 1, None
        result, result_end = os.pipe()
        output, output_end = os.pipe()
        os.set_blocking(result, False)
        os.set_blocking(output, False)
        printed_by_it = Output(SURROUNDING_BYTES + len(hand.item.encode()))
        self._pipes = Pipes(result, output, printed_by_it)
        self._selector.register(result, selectors.EVENT_READ, self._read_result)
        self._selector.register(output, selectors.EVENT_READ, self._read_output)
        # A keeper that is gone is noticed when its channel is read.
        order = {"item": hand.item, "own": hand.own, "number": self._number}
        self.channel.send(order, (result_end, output_end))
        os.close(result_end)
        os.close(output_end)

    def stop(self, now: float) -> None:
        """Have the process of the try ended: SIGTERM, then SIGKILL."""
        self._stopped_at = now
        self.channel.send({"stop": self._number})

    def end_deaf_keeper(self, now: float) -> None:
        """Kill a keeper that doesn't end what it was told to: its item may have stopped it."""
        if self._stopped_at is None or now < self._stopped_at + DEAF_S or self.pid is None:
            return
        self._stopped_at = None
        if self.is_trying:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)

    def dismiss(self) -> None:
        """Hear the keeper no longer: it is about to be ended."""
        if not self.is_lost:
            self._selector.unregister(self.channel)
            self.channel.close()
        self.is_lost = True

    @property
    def is_trying(self) -> bool:
        """Whether a process of an item is at work."""
        return self._pipes is not None

    def _receive(self) -> None:
        for message in self.channel.available():
            content = message.content
            if "keeper" in content:
                self.pid = int(content["keeper"])
            elif content.get("ended") == self._number and self._pipes is not None:
                self._ended(
                    self, End(content["status"], content["seconds"], content["peak_memory_mib"])
                )
        if self.channel.is_closed:
            self.dismiss()
            if self._pipes is not None:
                self._ended(self, End())

    def take(self) -> bytes:
        """Return what came over the pipe for the result, and close the pipes of the try."""
        pipes = self._pipes
        if pipes is None:
            return b""
        for _ in range(MOST_LEFT_BYTES // READ_BYTES):
            if not self._read_result() and not self._read_output():
                break
        self._pipes = None
        for descriptor in (pipes.result, pipes.output):
            with contextlib.suppress(KeyError):
                self._selector.unregister(descriptor)
            os.close(descriptor)
        for line in pipes.printed.end():
            self._print(self.hand.item if self.hand else "", line)
        return bytes(pipes.received)

    def _read_result(self) -> bool:
        if self._pipes is None:
            return False
        data = self._read(self._pipes.result)
        if len(self._pipes.received) <= MAX_REPLY_BYTES:
            self._pipes.received += data
        return bool(data)

    def _read_output(self) -> bool:
        if self._pipes is None:
            return False
        data = self._read(self._pipes.output)
        for line in self._pipes.printed.add(data):
            self._print(self.hand.item if self.hand else "", line)
        return bool(data)

    def _read(self, descriptor: int) -> bytes:
        try:
            data = os.read(descriptor, READ_BYTES)
        except BlockingIOError:
            return b""
        if not data:  # an end that stays readable for ever
            with contextlib.suppress(KeyError):
                self._selector.unregister(descriptor)
        return data


def outcome_of(hand: Hand, end: End, received: bytes, kills: MemoryKills) -> tuple[Outcome, bool]:
    """Return what became of a try, and whether another one can't end otherwise.

    A result that came whole counts, however its process ended after it. That memory ran out is said
    where the exception says so, or the kernel's counter; a lone SIGKILL may come from anybody.
    """
    reply = decoded(received)
    outcome = Outcome(
        None,
        None,
        hand.tries,
        end.seconds,
        exit_code=end.exit_code,
        signal=end.signal,
        peak_memory_mib=end.peak_memory_mib,
    )
    if reply is not None and reply.result is not None:
        return replace(outcome, result=reply.result, seconds=reply.seconds), True
    ran_out = kills.attribute(hand.kills)
    if hand.is_timed_out:
        return replace(outcome, error="it ran out of time", reason=Reason.TIMEOUT), True
    if reply is not None:
        error = str(reply.error)
        if ran_out:
            error += "; the kernel has killed a process of this item: out of memory"
        reason = Reason.OUT_OF_MEMORY if ran_out else reply.reason
        return (
            replace(outcome, error=error, reason=reason, exit_code=None, signal=None),
            reply.is_final,
        )
    reason = Reason.OUT_OF_MEMORY if ran_out else Reason.EXIT_CODE
    return replace(outcome, error=description(end, ran_out=ran_out), reason=reason), False


def description(end: End, *, ran_out: bool) -> str:
    """Return why a process that sent no result has none, for people."""
    if ran_out:
        return "killed by the kernel: out of memory"
    if end.status is None:
        return "its process is gone, and the process that kept it: something killed both"
    if end.signal is not None:
        return f"killed by {end.signal} before compute returned"
    return f"compute ended the process with exit status {end.exit_code} before it returned"
