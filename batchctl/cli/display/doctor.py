"""What `batchctl doctor` found: a line a check, what to do below it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from batchctl.cli.output import show
from batchctl.cli.spelling import spelled

if TYPE_CHECKING:
    from batchctl.application.doctor.examination import Examined
    from batchctl.application.doctor.findings import Finding, Level

WORDS = ("ok", "unknown", "warning", "PROBLEM")


def show_examined(examined: Examined, *, verbose: bool) -> None:
    """Print a check; what is fine in a line, all of it with `verbose`."""
    worst = [each for each in examined.findings if each.level == examined.level]
    shown = examined.findings if verbose or examined.level > 0 else worst[:1]
    for finding in shown:
        show(f"{_word(finding.level):<8} {examined.check.name}: {finding.found}")
        if finding.fix:
            show(f"{'':<8} → {finding.fix}")


def show_summary(examined: Sequence[Examined], seconds: float) -> None:
    """Print how many checks came out how."""
    counts = Counter(_word(each.level) for each in examined)
    listed = ", ".join(f"{counts[word]} {word}" for word in WORDS if counts[word])
    show()
    show(f"{len(examined)} checks in {seconds:.1f} s: {listed}")


def as_json(examined: Sequence[Examined]) -> dict[str, object]:
    """Return all findings for machines."""
    return {
        "checks": [
            {
                "check": each.check.name,
                "level": _word(each.level).lower(),
                "findings": [
                    {
                        "level": _word(found.level).lower(),
                        "found": found.found,
                        "fix": _fix(found),
                    }
                    for found in each.findings
                ],
            }
            for each in examined
        ]
    }


def _fix(finding: Finding) -> str | None:
    return spelled(finding.fix) if finding.fix else None


def _word(level: Level) -> str:
    return WORDS[level]
