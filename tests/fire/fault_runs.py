"""A run in which each operation fails once, in every way."""

from __future__ import annotations

from crash_branches import Branches, Call, Calls, Watch, is_read
from fault_kinds import FAULTS, Fault


class Faults:
    """Lets branches leave at the first call of each operation, to meet a fault there and go on.

    A fault after the effect is tried where there is one.
    """

    def __init__(self, calls: Calls, branches: Branches, *, only_writes: bool) -> None:
        self._calls = calls
        self._branches = branches
        self._only_writes = only_writes
        self._met: set[str] = set()

    @property
    def operations(self) -> int:
        """How many operations have met faults."""
        return len(self._met)

    def watch(self, number: int, operation: str, call: Call) -> object:
        is_passed_over = operation in self._met or (self._only_writes and is_read(operation))
        for fault in () if is_passed_over else FAULTS:
            if fault.after_effect and is_read(operation):
                continue
            if self._branches.split(f"call {number}, {operation}: {fault.name}"):
                self._calls.watch = failing(fault, operation)
                return self._calls.watch(number, operation, call)
        if not is_passed_over:
            self._met.add(operation)
        return call()


def failing(fault: Fault, failing_operation: str) -> Watch:
    """Let the next calls of the operation fail, as many as the fault says."""
    left = [fault.times]

    def watch(_number: int, operation: str, call: Call) -> object:
        if operation != failing_operation or not left[0]:
            return call()
        left[0] -= 1
        return fault.strike(operation, call)

    return watch
