"""A run in which each operation fails once, in every way."""

from __future__ import annotations

from collections.abc import Sequence

from crash_branches import Branches, Call, Calls, Watch, is_read
from fault_kinds import FAULTS, Fault


class Faults:
    """Lets branches leave at the first call of each operation, to meet a fault there and go on.

    A fault after the effect is tried where there is one. `one_in` of more than 1 lets every so
    manyth operation alone meet faults, and each of them one only, the next the next one.
    """

    def __init__(
        self, calls: Calls, branches: Branches, *, only_writes: bool, one_in: int = 1
    ) -> None:
        self._one_in = one_in
        self._calls = calls
        self._branches = branches
        self._only_writes = only_writes
        self._met: set[str] = set()

    @property
    def operations(self) -> int:
        """How many operations were to meet faults."""
        return len(self._met)

    def watch(self, number: int, operation: str, call: Call) -> object:
        is_passed_over = operation in self._met or (self._only_writes and is_read(operation))
        for fault in () if is_passed_over else self._faults_of(operation):
            if self._branches.split(f"call {number}, {operation}: {fault.name}"):
                self._calls.watch = failing(fault, operation)
                return self._calls.watch(number, operation, call)
        if not is_passed_over:
            self._met.add(operation)
        return call()

    def _faults_of(self, operation: str) -> Sequence[Fault]:
        able = [each for each in FAULTS if not (each.after_effect and is_read(operation))]
        if self._one_in == 1:
            return able
        number, rest = divmod(len(self._met), self._one_in)
        return [] if rest else [able[number % len(able)]]


def failing(fault: Fault, failing_operation: str) -> Watch:
    """Let the next calls of the operation fail, as many as the fault says."""
    left = [fault.times]

    def watch(_number: int, operation: str, call: Call) -> object:
        if operation != failing_operation or not left[0]:
            return call()
        left[0] -= 1
        return fault.strike(operation, call)

    return watch
