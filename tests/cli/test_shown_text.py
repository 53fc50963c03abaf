"""What others wrote, in plans, status, progress, errors and questions: nothing of it is raw."""

from __future__ import annotations

import sys

import pytest
from hostile_text import CLIPBOARD, HOSTILE, JOB, Terminal, aws_error, is_clean
from terminal_commands import commanding

from batchctl.application.status import ResourceStatus, Status
from batchctl.cli import output
from batchctl.cli.display.job_progress import _bar
from batchctl.cli.display.plan import show_plan
from batchctl.cli.display.progress import Counter, progress
from batchctl.cli.display.status import show_status
from batchctl.cli.display.tables import Importance, print_table
from batchctl.cli.failures import print_error
from batchctl.cli.runs import confirm
from batchctl.engine import events
from batchctl.engine.difference import Change
from batchctl.engine.plan import Action, Plan, Step
from batchctl.errors import BatchctlError
from batchctl.jobs import Job
from batchctl.jobs.tables import Table
from batchctl.jobs.watching import Pace


def test_a_plan_shows_nothing_raw(capsys: pytest.CaptureFixture[str]) -> None:
    changes = (Change(HOSTILE, HOSTILE, [HOSTILE]), Change("b", None, HOSTILE))
    steps = (
        Step(Action.UPDATE, HOSTILE, HOSTILE, changes, notes=(HOSTILE,)),
        Step(Action.DELETE, "a.b", "b", loses_data=HOSTILE),
        Step(Action.KEEP, "a.c", "c", kept_because=HOSTILE),
    )
    show_plan(Plan(steps), verbose=True)
    shown = capsys.readouterr().err
    assert shown.count("]52;c;") >= 7
    assert is_clean(shown)


def test_status_shows_what_is_in_brackets_and_nothing_raw(
    capsys: pytest.CaptureFixture[str],
) -> None:
    resource = ResourceStatus(*3 * [f"[/x]{HOSTILE}"])
    texts = (HOSTILE,) * 5
    show_status(Status(*texts, (resource,), queues={HOSTILE: 3}, unhealthy=(HOSTILE,)))
    shown = capsys.readouterr().out
    assert shown.count("[/x]") == 3 * 2 + 8
    assert is_clean(shown)


@pytest.mark.parametrize("terminal", [False, True])
def test_progress_shows_nothing_raw(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, terminal: bool
) -> None:
    if terminal:
        monkeypatch.setenv("FORCE_COLOR", "1")
        monkeypatch.setattr("batchctl.cli.display.progress.can_redraw", lambda: True)
    step = Step(Action.CREATE, f"a.{HOSTILE}", HOSTILE)
    with progress(Plan((step,))) as emit:
        emit(events.Started(step))
        emit(events.Waiting(step, HOSTILE))
        emit(events.Failed(step, aws_error()))
        emit(events.Skipped(HOSTILE, HOSTILE))
    shown = capsys.readouterr().err
    assert "]52;c;" in shown
    assert CLIPBOARD not in shown
    assert not commanding(shown) & set(HOSTILE) - ({"\x1b", "\r", "\n"} if terminal else {"\n"})


def test_what_is_drawn_holds_nothing_raw(capsys: pytest.CaptureFixture[str]) -> None:
    step = Step(Action.CREATE, HOSTILE, HOSTILE)
    counter = Counter(Plan((step,)))
    counter.take(events.Started(step))
    counter.take(events.Waiting(step, HOSTILE))
    job = Job.from_answer({**JOB, "results": {}})
    for drawn in (counter.table(), _bar(job, Pace(lambda: 0.0), 1.0), HOSTILE):
        output.data().print(drawn)
        shown = capsys.readouterr().out
        assert "[/x]" in shown
        assert not commanding(shown) - {"\n"}


def test_errors_and_their_hints_show_nothing_raw(capsys: pytest.CaptureFixture[str]) -> None:
    print_error(BatchctlError(f"could not: {HOSTILE}", hint=HOSTILE), HOSTILE)
    print_error(aws_error())
    print_error(ValueError(HOSTILE))
    shown = capsys.readouterr().err
    assert shown.count("]52;c;") == 6
    assert is_clean(shown)


def test_a_question_shows_nothing_raw(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def agree(question: str, **_: object) -> bool:
        asked.append(question)
        return True

    monkeypatch.setattr("click.confirm", agree)
    monkeypatch.setattr(sys, "stdin", Terminal())
    confirm(HOSTILE, yes=False)
    assert is_clean(asked[0])
    assert "]52;c;" in asked[0]


def test_markup_and_emoji_names_are_data(capsys: pytest.CaptureFixture[str]) -> None:
    table = Table(("[bold]a",), (("[/x] [red]r[/red] :smile:",),))
    print_table(table, Importance(kept=("[bold]a",)))
    assert capsys.readouterr().out == "[bold]a\n[/x] [red]r[/red] :smile:\n"
