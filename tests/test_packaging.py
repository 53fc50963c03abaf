"""The zip of the functions: the same bytes everywhere, and complete."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import pytest

from batchctl import packaging
from batchctl.errors import BatchctlError
from batchctl.function_libraries import typing_extensions as stand_in

REPOSITORY = Path(__file__).parents[1]
PRINT_SHA256 = "from batchctl.packaging import function_package; print(function_package().sha256)"
# what Lambda's Python runtimes have: boto3 and what it needs
RUNTIME = ("boto3", "botocore", "s3transfer", "jmespath", "python-dateutil", "six", "urllib3")


@pytest.fixture
def archive() -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO(packaging.function_package().content))


@pytest.fixture
def unpacked(archive: zipfile.ZipFile, tmp_path: Path) -> Path:
    archive.extractall(tmp_path / "task")
    return tmp_path / "task"


@pytest.fixture
def runtime(tmp_path: Path) -> Path:
    """Return a folder with Lambda's own libraries alone."""
    folder = tmp_path / "runtime"
    folder.mkdir()
    for name in RUNTIME:
        for file in distribution(name).files or []:
            top = file.parts[0]
            if top not in {"..", "__pycache__"} and not (folder / top).exists():
                (folder / top).symlink_to(Path(str(distribution(name).locate_file(top))))
    return folder


def run_as_lambda(program: str, *folders: Path) -> str:
    """Run a program that sees the standard library and these folders alone; return its output."""
    path = f"import sys; sys.path[:0] = {[str(folder) for folder in folders]}\n"
    environment = {
        "AWS_DEFAULT_REGION": "us-east-1",
        "POWERTOOLS_SERVICE_NAME": "batchapp",
        "POWERTOOLS_TRACE_DISABLED": "true",
        "TABLE": "jobs",
    }
    process = subprocess.run(
        [sys.executable, "-S", "-c", path + program],
        env=environment,
        cwd=folders[0],
        capture_output=True,
        check=False,
        text=True,
    )
    assert process.returncode == 0, process.stderr
    return process.stdout


@pytest.mark.skipif(not (REPOSITORY / ".git").exists(), reason="asks git about a checkout")
@pytest.mark.parametrize("name", ["batchctl/runner/task.py", "examples/demo.sh", "config.yaml"])
def test_a_checkout_has_the_same_line_ends_on_every_machine(name: str) -> None:
    command = ["git", "check-attr", "text", "eol", "--", name]
    shown = subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True, text=True)
    assert shown.stdout.splitlines() == [f"{name}: text: auto", f"{name}: eol: lf"]


def test_hash_is_the_one_that_lambda_gives() -> None:
    package = packaging.function_package()

    digest = hashlib.sha256(package.content).digest()
    assert package.sha256 == base64.b64encode(digest).decode()


def test_package_is_built_once() -> None:
    assert packaging.function_package() is packaging.function_package()


@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_bytes_do_not_depend_on_the_surroundings(tmp_path: Path, umask: int) -> None:
    copy = tmp_path / "elsewhere"
    ignored = shutil.ignore_patterns("__pycache__")
    for name in ("batchctl", "handlers"):
        shutil.copytree(REPOSITORY / name, copy / name, ignore=ignored)
    for path in sorted((copy / "handlers").rglob("*.py"), reverse=True):
        os.utime(path, (umask, 1_000_000_000))
        path.chmod(0o600)

    process = subprocess.run(
        [sys.executable, "-c", PRINT_SHA256],
        cwd=tmp_path,
        env={"PYTHONPATH": str(copy), "PYTHONHASHSEED": str(umask + 1), "TZ": "Asia/Shanghai"},
        umask=umask,
        capture_output=True,
        check=True,
        text=True,
    )

    assert process.stdout.strip() == packaging.function_package().sha256


def test_bytes_do_not_depend_on_what_other_packages_brought(tmp_path: Path) -> None:
    (tmp_path / "typing_extensions.py").write_text("import typing\n__getattr__ = None\n")
    program = "from batchctl.packaging import function_package; print(function_package().sha256)"
    ran = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": f"{tmp_path}:{REPOSITORY}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.strip() == packaging.function_package().sha256


def test_bytes_do_not_depend_on_the_line_ends_of_a_checkout(tmp_path: Path) -> None:
    unix, windows = tmp_path / "unix.py", tmp_path / "windows.py"
    unix.write_bytes(b"a = 1\nb = 2\n")
    windows.write_bytes(b"a = 1\r\nb = 2\r\n")
    assert packaging.zip_content({"a.py": unix}) == packaging.zip_content({"a.py": windows})


def test_what_editors_and_file_managers_leave_is_no_source(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("")
    (tmp_path / "._a.py").write_bytes(b"\x00\x05\x16\x07")
    (tmp_path / ".#a.py").symlink_to("user@host.4711")
    assert [path.name for path in packaging.sources_in(tmp_path)] == ["a.py"]


def test_the_stand_in_has_all_that_the_libraries_take_of_typing_extensions(
    archive: zipfile.ZipFile,
) -> None:
    taken = {
        name.strip()
        for entry in archive.namelist()
        for names in re.findall(
            r"^ *from typing_extensions import (.+)$", archive.read(entry).decode(), re.MULTILINE
        )
        for name in names.split(",")
    }
    assert {"deprecated", "override"} <= taken
    for name in taken:
        assert hasattr(stand_in, name), name


def test_what_goes_into_the_zip_is_pinned() -> None:
    text = (REPOSITORY / "setup.py").read_text(encoding="utf-8")
    for library in packaging.LIBRARIES:
        assert f'"{library.distribution}=={distribution(library.distribution).version}"' in text


def test_bytes_do_not_depend_on_the_order_of_a_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    rglob = Path.rglob

    def reversed_rglob(self: Path, pattern: str) -> Iterator[Path]:
        return reversed(list(rglob(self, pattern)))

    monkeypatch.setattr(Path, "rglob", reversed_rglob)

    assert packaging.function_package.__wrapped__() == packaging.function_package()


def test_entries_are_sorted_stored_readable_and_timeless(archive: zipfile.ZipFile) -> None:
    entries = archive.infolist()

    assert archive.namelist() == sorted(archive.namelist())
    assert {entry.compress_type for entry in entries} == {zipfile.ZIP_STORED}
    assert {entry.external_attr >> 16 for entry in entries} == {0o100644}
    assert {entry.date_time for entry in entries} == {(1980, 1, 1, 0, 0, 0)}
    assert {entry.create_system for entry in entries} == {3}


def test_zip_holds_sources_and_licences_alone(archive: zipfile.ZipFile) -> None:
    others = [name for name in archive.namelist() if not name.endswith(".py")]

    assert sorted(name.split("-")[0] for name in others) == [
        "aws_lambda_powertools",
        "jmespath",
    ]
    assert all("LICENSE" in name for name in others)


@pytest.mark.parametrize("function", ["receiver", "splitter", "api", "tracker"])
def test_handler_loads_from_the_zip_and_the_runtime_alone(
    unpacked: Path, runtime: Path, function: str
) -> None:
    program = (
        f"from handlers.{function} import handler\n"
        "assert callable(handler)\n"
        "import aws_lambda_powertools as powertools, json\n"
        "names = {name.partition('.')[0] for name in sys.modules}\n"
        "print(json.dumps([powertools.__file__, 'pydantic' in names, 'moto' in names]))\n"
    )

    powertools, *others = json.loads(run_as_lambda(program, unpacked, runtime))

    assert Path(powertools).is_relative_to(unpacked)
    assert others == [False, False]


def test_handler_answers_from_the_zip_and_the_runtime_alone(unpacked: Path, runtime: Path) -> None:
    event = {
        "requestContext": {"elb": {"targetGroupArn": "arn"}},
        "httpMethod": "GET",
        "path": "/nothing/here",
        "queryStringParameters": {},
        "headers": {},
        "body": "",
        "isBase64Encoded": False,
    }
    program = (
        "import json\n"
        "from handlers.api import handler\n"
        "class Context:\n"
        "    function_name = memory_limit_in_mb = invoked_function_arn = aws_request_id = 'x'\n"
        f"print(json.dumps(handler({event!r}, Context())['statusCode']))\n"
    )

    output = run_as_lambda(program, unpacked, runtime)

    assert output.splitlines()[-1] == "404"


def test_too_large_zip_is_a_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packaging, "LARGEST_UPLOAD_BYTES", 1000)

    with pytest.raises(BatchctlError, match=r"Lambda takes at most 1,000"):
        packaging.function_package.__wrapped__()


@pytest.mark.parametrize(
    ("library", "message"),
    [
        (("nothing", "no_such_module", ()), "`nothing` is not installed"),
        (("jmespath", "jmespath", ("jmespath/gone",)), "`jmespath` has no `jmespath/gone`"),
    ],
)
def test_missing_library_is_a_clear_error(library: Any, message: str) -> None:
    with pytest.raises(BatchctlError, match=message):
        list(packaging.library_files(packaging.Library(*library)))


def test_what_is_deployed_is_found() -> None:
    assert (packaging.handlers_directory() / "receiver.py").is_file()
    assert (packaging.compute_directory() / "compute.py").is_file()
    assert all(path.is_file() for path in packaging.runner_files().values())
    assert packaging.config_template().is_file()


def test_missing_part_of_the_installation_is_a_clear_error() -> None:
    with pytest.raises(BatchctlError, match="could not find `nothing`"):
        packaging.deployed("nothing")


def test_packaging_is_imported_without_the_libraries() -> None:
    program = (
        "import sys, batchctl.packaging as packaging; packaging.function_package()\n"
        "print({'boto3', 'botocore', 'aws_lambda_powertools', 'pydantic'} & set(sys.modules))"
    )

    process = subprocess.run(
        [sys.executable, "-c", program],
        cwd=REPOSITORY,
        capture_output=True,
        check=True,
        text=True,
    )

    assert process.stdout.strip() == "set()"


def test_of_batchctl_the_zip_has_the_contract_alone(archive: zipfile.ZipFile) -> None:
    contract = REPOSITORY / "batchctl" / "contract"
    ours = {name for name in archive.namelist() if name.startswith("batchctl/")}

    assert ours == {"batchctl/__init__.py"} | {
        f"batchctl/contract/{path.relative_to(contract).as_posix()}"
        for path in contract.rglob("*.py")
    }
