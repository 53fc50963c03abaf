"""How a job looks in a notebook: its counts and a table of results, as plain HTML.

Whatever a job returned is text: it is escaped, and nothing in it is ever run.
"""

from __future__ import annotations

import json
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from batchctl.jobs import Job, Result

MAX_CELL = 200
"""Characters of a value that are shown."""


def job_html(job: Job) -> str:
    """Return a job with the results that it came with."""
    done = job.progress
    shown = (("succeeded", done.succeeded), ("failed", done.failed), ("running", done.running))
    counts = ", ".join(f"{count:,} {name}" for name, count in shown if count)
    head = f"<b>{_text(job.job_id)}</b> {_text(job.status)}: {job.items:,} items"
    bar = (
        f'<progress max="{done.total}" value="{done.ended}" '
        f'aria-label="{job.counted} that have ended"></progress>'
    )
    rest = "<p>… and more: <code>job.results()</code></p>" if job.next else ""
    return f"<div>{head} {bar} {escape(counts)}{_table(job.results)}{rest}</div>"


def _table(results: tuple[Result, ...]) -> str:
    if not results:
        return ""
    rows = "".join(
        f"<tr><td>{_text(each.item)}</td><td>{_text(each.status)}</td><td>{_shown(each)}</td></tr>"
        for each in results
    )
    heading = "<tr><th>item</th><th>status</th><th>result</th></tr>"
    return f"<table><thead>{heading}</thead><tbody>{rows}</tbody></table>"


def _shown(result: Result) -> str:
    if result.error is not None or result.reason is not None:
        return _text(f"{result.reason or ''} {result.error or ''}".strip())
    return _text(json.dumps(result.result, ensure_ascii=False))


def _text(value: str) -> str:
    return escape(value if len(value) <= MAX_CELL else f"{value[:MAX_CELL]}…")
