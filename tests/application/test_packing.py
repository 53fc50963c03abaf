"""A function of a script as the code of a job: what goes along, and what is refused before."""

from __future__ import annotations

import io
import json
import os
import pickletools
import subprocess
import sys
import textwrap
import threading
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from batchctl.application.function import Function
from batchctl.application.shipped.packing import packed
from batchctl.contract.shipped_code import MAX_BYTES, digest_of
from batchctl.errors import UsageError


def item_alone(item: str) -> Any:
    return item


def with_parameters(item: str, parameters: dict[str, Any]) -> Any:
    return item, parameters


def with_optional_parameters(item: str, parameters: dict[str, Any] | None = None) -> Any:
    return item, parameters


def with_a_setting_of_its_own(item: str, digits: int = 3) -> Any:
    return item, digits


def with_context(item: str, parameters: dict[str, Any], context: Any) -> Any:
    return item, parameters, context


def setup(parameters: dict[str, Any]) -> Any:
    return parameters


def arguments_of(code: Function) -> int:
    with zipfile.ZipFile(io.BytesIO(packed(code))) as archive:
        return int(json.loads(archive.read("made_by.json"))["arguments"])


@pytest.mark.parametrize(
    ("code", "arguments"),
    [
        (Function(item_alone), 1),
        (Function(with_parameters), 2),
        (Function(with_optional_parameters), 2),
        (Function(with_a_setting_of_its_own), 1),
        (Function(partial(with_parameters, parameters={})), 1),
        (Function(lambda *given: given), 1),
        (Function(len), 1),
        (Function(with_context, setup), 3),
        (Function(item_alone, setup), 1),
    ],
)
def test_a_function_gets_what_it_takes(code: Function, arguments: int) -> None:
    assert arguments_of(code) == arguments


def no_arguments() -> None: ...


def four(item: str, parameters: Any, context: Any, more: Any) -> None: ...


def a_named_one(item: str, *, digits: int) -> None: ...


@pytest.mark.parametrize(
    "code",
    [
        Function(no_arguments),
        Function(with_context),
        Function(four, setup),
        Function(a_named_one),
    ],
    ids=["none", "context without setup", "four", "named"],
)
def test_a_function_that_tasks_cannot_call_is_refused_with_how_it_is_called(code: Function) -> None:
    with pytest.raises(UsageError, match=r"it is called as `\(item\)`"):
        packed(code)


def test_what_is_no_function_is_refused() -> None:
    with pytest.raises(UsageError, match="it is no function"):
        packed(Function("compute"))  # type: ignore[arg-type]


def holding(value: object) -> Callable[[str], object]:
    def function(item: str) -> object:
        return item, value

    return function


def test_what_lives_in_this_process_alone_is_refused_with_where_to_make_it() -> None:
    with pytest.raises(UsageError, match=r"could not ship function: .*lock") as refused:
        packed(Function(holding(threading.Lock())))
    assert "in `setup`" in str(refused.value.hint)


def test_what_is_too_large_is_refused_with_where_data_goes() -> None:
    with pytest.raises(UsageError, match="at most 8 go along with a job") as refused:
        packed(Function(holding(os.urandom(MAX_BYTES))))
    assert "S3" in str(refused.value.hint)


SCRIPT = """
    import sys
    from collections import OrderedDict
    from beside import helper, SETTINGS
    from batchctl.application.function import Function
    from batchctl.application.shipped.packing import packed

    class Money:
        def of(self, item):
            known = item in {"EUR", "USD", "GBP", "CHF", "JPY"}
            return helper(item), SETTINGS, known

    def price(item, parameters):
        return {"price": Money().of(item), **parameters}

    sys.stdout.buffer.write(packed(Function(price)))
"""
BESIDE = """
    SETTINGS = {"b": 1, "a": 2}
    def helper(item):
        return item.lower()
"""


def packed_by_the_script(folder: Path, hash_seed: str) -> bytes:
    (folder / "script.py").write_text(textwrap.dedent(SCRIPT))
    (folder / "beside.py").write_text(textwrap.dedent(BESIDE))
    environment = {
        **os.environ,
        "PYTHONHASHSEED": hash_seed,
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    return subprocess.run(
        [sys.executable, str(folder / "script.py")],
        check=True,
        capture_output=True,
        env=environment,
        cwd=folder.parent,
    ).stdout


def test_the_same_script_makes_the_same_bytes_so_that_it_finds_its_job_again(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    # Python compiles the module beside the script in the first run, and reads it in the second.
    first, second = (packed_by_the_script(folder, seed) for seed in ("1", "2"))
    assert members(first) == members(second)
    assert digest_of(first) == digest_of(second)


def members(content: bytes) -> dict[str, object]:
    """The files in a zip; of the pickle its operations, one a line."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        files: dict[str, object] = {name: archive.read(name) for name in archive.namelist()}
    pickled = files["function.pickle"]
    assert isinstance(pickled, bytes)
    operations = io.StringIO()
    pickletools.dis(pickled, operations)
    return {**files, "function.pickle": operations.getvalue().splitlines()}


def test_modules_beside_the_script_go_along(tmp_path: Path) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    content = packed_by_the_script(folder, "0")
    unpacked = tmp_path / "unpacked"
    zipfile.ZipFile(io.BytesIO(content)).extractall(unpacked)
    program = "import compute; print(compute.compute('AAPL', {'n': 1}, compute.setup({'n': 1})))"
    ran = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True, cwd=unpacked
    )
    assert "'price': ('aapl', {'b': 1, 'a': 2}, False), 'n': 1" in ran.stdout


def test_another_python_is_told_with_what_to_do(tmp_path: Path) -> None:
    zipfile.ZipFile(io.BytesIO(packed(Function(item_alone)))).extractall(tmp_path)
    (tmp_path / "made_by.json").write_text('{"python": [3, 9], "arguments": 1}')
    ran = subprocess.run(
        [sys.executable, "-c", "import compute; compute.setup({})"],
        check=False,
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert "the function was made by Python 3.9, and tasks have" in ran.stderr
    assert 'set `compute.python: "3.9"`' in ran.stderr
