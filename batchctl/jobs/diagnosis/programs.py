"""What an error of the user's own program means, and what to do: by what it says. No calls.

`batchctl.contract.reasons` knows the words of AWS Batch; these are those of Python, boto3 and the
kernel, from an item's error or a task's log. The first row whose pattern is found decides.

Sources: Python documentation, "Built-in Exceptions"; Boto3, "Error handling"; signal(7).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

AGAIN = "then `batchctl up` and `batchctl retry {job}`"
TRY_HERE = "`batchctl run {item}` shows the same error here"
OURS = "boto3|botocore"


@dataclass(frozen=True)
class ProgramError:
    """An error by the pattern of its text; `{1}` in the words stands for the pattern's group.

    `{job}` and `{item}` in `fix` stand for the job's id and for an item that failed of it.
    """

    pattern: str
    cause: str
    fix: str


KNOWN = (
    ProgramError(
        rf"No module named '({OURS})'",
        "the image has no `{1}`, which batchctl's runner needs",
        f"add `RUN pip install boto3` to the Dockerfile, or take `compute.base_image`, {AGAIN}",
    ),
    ProgramError(
        r"No module named '([\w.]+)'",
        "compute.py imports `{1}`, which is not in the image",
        "add its package to requirements.txt beside compute.py (or the file, when it is yours), "
        f"{AGAIN}",
    ),
    ProgramError(
        r"ImportError: ([^\n]*)",
        "an import failed: {1}",
        "a package is of another version than here, or a system library is missing in the image: "
        f"name the version in requirements.txt, {AGAIN}",
    ),
    ProgramError(
        r"(?:Syntax|Indentation|Tab)Error\b",
        "compute.py is not valid Python of the version in the image (`compute.python`)",
        f"{TRY_HERE}, with the line; fix it, {AGAIN}",
    ),
    ProgramError(
        r"TypeError: (?:compute|setup)\(\) (.*)",
        "the function takes other arguments than it is called with: it {1}",
        "write `def compute(item, parameters)` (and `def setup(parameters)`), " + AGAIN,
    ),
    ProgramError(
        r"compute\.py has no function|compute\.py: `[^`]*` has none",
        "compute.py has no function `compute(item, parameters)`",
        f"write it, {AGAIN}",
    ),
    ProgramError(
        "NoRegionError|must specify a region",
        "the program calls AWS without a region",
        'name it: `compute.environment: {AWS_DEFAULT_REGION: "…"}`, or in the code, ' + AGAIN,
    ),
    ProgramError(
        "NoCredentialsError|Unable to locate credentials",
        "the program found no AWS credentials: the container's own come from the job role",
        f"use boto3's default session, without a profile or keys of your own, {AGAIN}",
    ),
    ProgramError(
        r"AccessDenied\w*.*?(?:calling the (\w+) operation|perform: ([\w:]+))",
        "the job role has no permission for `{1}`",
        "add a policy that allows it to the job role in the IAM console (it has the job table "
        "alone), then `batchctl retry {job}`",
    ),
    ProgramError(
        r"No space left on device|\[Errno 28\]|DiskFull",
        "the disk is full: tasks on one machine share it",
        "write less to disk and delete files as soon as they are read, or run fewer tasks on a "
        f"machine (`compute.instance_types`), {AGAIN}",
    ),
    ProgramError(
        "EndpointConnectionError|ConnectTimeout|Temporary failure in name resolution",
        "the container reached no network: its subnet has no way out, or the host doesn't answer",
        "check the routes of the compute subnets (a NAT gateway, or endpoints), then "
        "`batchctl retry {job}`",
    ),
    ProgramError(
        r"Read-only file system|PermissionError: \[Errno 13\]",
        "the program may not write there: it doesn't run as root",
        f"write to the folder that `tempfile.gettempdir()` names, {AGAIN}",
    ),
    ProgramError(
        "MemoryError",
        "Python found no more memory",
        "`batchctl retry {job} --memory …`, and raise `compute.memory_mib` for the next jobs",
    ),
    ProgramError(
        r"SIGSEGV|exit (?:status|code) 139\b",
        "the process crashed (SIGSEGV, 139): native code used memory that isn't its own, in a C "
        "extension or by endless recursion",
        f"{TRY_HERE}; try other versions of the packages with native code, {AGAIN}",
    ),
    ProgramError(
        r"SIGABRT|exit (?:status|code) 134\b",
        "native code gave up (SIGABRT, 134), such as a failed assertion or corrupted memory",
        "`batchctl logs {job}` has its last words; try other versions of the packages, " + AGAIN,
    ),
    ProgramError(
        r"SIGILL|exit (?:status|code) 132\b",
        "the processor doesn't know an instruction of the program (SIGILL, 132): a package was "
        "built for a newer one",
        "name newer `compute.instance_types`, or take a package for any processor, " + AGAIN,
    ),
    ProgramError(
        r"SIGBUS|exit (?:status|code) 135\b",
        "mapped memory went away (SIGBUS, 135): a file that was cut short, or a full /dev/shm",
        "use less shared memory (PyTorch: `num_workers=0`), " + AGAIN,
    ),
    ProgramError(
        r"SIGFPE|exit (?:status|code) 136\b",
        "native code divided an integer by zero (SIGFPE, 136)",
        f"{TRY_HERE}; fix it, {AGAIN}",
    ),
    ProgramError(
        r"SIGKILL|exit (?:status|code) 137\b",
        "something killed the process (SIGKILL, 137): most often the kernel, for its memory",
        "`batchctl retry {job} --memory …`, and raise `compute.memory_mib` for the next jobs",
    ),
    ProgramError(
        r"SIGTERM|exit (?:status|code) 143\b",
        "something asked the process to stop (SIGTERM, 143)",
        "`batchctl logs {job}` shows what ran then; `batchctl retry {job}` runs it again",
    ),
)


def explained(text: str, job_id: str, item: str) -> tuple[str, str] | None:
    """Return the cause and the fix of an error text; None when it is none of the known."""
    for known in KNOWN:
        if found := re.search(known.pattern, text):
            group = next((each for each in found.groups() if each), "")
            fix = known.fix.replace("{job}", job_id).replace("{item}", item)
            return known.cause.replace("{1}", group), fix
    return None


def causes_in(
    errors: Iterable[tuple[str, int, str]], job_id: str
) -> Iterator[tuple[str, tuple[str, str]]]:
    """Yield what was seen and its cause and fix for each error that is known, each cause once.

    `errors` are the text, how many items failed of it, and one of these.
    """
    seen: dict[tuple[str, str], list[str]] = {}
    for text, count, item in errors:
        if known := explained(text, job_id, item):
            lines = seen.setdefault(known, [])
            lines.append(f"{count:,} {'item' if count == 1 else 'items'} failed: {text}")
    for known, lines in seen.items():
        yield "\n".join(lines), known
