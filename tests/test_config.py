"""config.yaml: defaults, and errors that name file, line, key and rule."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from batchctl.config import Config, json_schema, key_paths, load, load_with_flags, loading
from batchctl.config.document import parse
from batchctl.config.loading import MAX_LINES
from batchctl.config.problems import dotted
from batchctl.errors import UsageError

REPOSITORY = Path(__file__).parents[1]
TEMPLATE = REPOSITORY / "config.yaml"
DIGEST = "sha256:" + "0" * 64

Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Write config.yaml into an empty working directory."""
    monkeypatch.chdir(tmp_path)

    def _write(text: str) -> Path:
        Path("config.yaml").write_text(text, encoding="utf-8")
        return Path("config.yaml")

    return _write


def refusal(path: Path) -> str:
    with pytest.raises(UsageError) as raised:
        load(path)
    return raised.value.message


def test_the_template_has_every_key_at_its_default() -> None:
    written = set(parse(TEMPLATE.read_bytes()).lines) - {()}
    assert load(TEMPLATE) == Config()
    assert set(key_paths()) <= written


def test_the_page_on_config_names_every_setting_and_its_default() -> None:
    rows = dict(
        line.split("|")[1:3]
        for line in (REPOSITORY / "docs/config.md").read_text(encoding="utf-8").splitlines()
        if line.startswith("| `")
    )
    documented = {
        key.strip(" `"): yaml.safe_load(default.strip(" `")) for key, default in rows.items()
    }
    defaults = yaml.safe_load(Config().model_dump_json())
    settings = {
        f"{section}.{key}" if isinstance(value, dict) and key else section: inner
        for section, value in defaults.items()
        for key, inner in (value.items() if value and isinstance(value, dict) else [("", value)])
    }
    assert documented == settings


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n", "api:\ncompute:\n  vcpus:\n"])
def test_what_is_left_out_or_null_has_its_default(write: Write, text: str) -> None:
    assert load(write(text)) == Config()


def test_what_the_file_says_is_what_the_config_has(write: Write) -> None:
    config = load(
        write(
            f"""
name: risk-1
account_id: "012345678901"
tags: {{cost centre: a/b, Team: ""}}
api: {{port: 80, allowed_cidrs: [10.0.0.0/8, "2001:DB8::/32"]}}
compute:
  image: 123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/risk@{DIGEST}
  command: [run, --fast]
  architecture: arm64
  environment: {{DAY: 2026-01-01, LEVEL: "1"}}
functions: {{log_retention_days: 3653}}
"""
        )
    )
    assert config.account_id == "012345678901"
    assert config.tags == {"cost centre": "a/b", "Team": ""}
    assert config.api.allowed_cidrs == ("10.0.0.0/8", "2001:db8::/32")
    assert config.compute.command == ("run", "--fast")
    assert config.compute.environment == {"DAY": "2026-01-01", "LEVEL": "1"}
    assert config.compute.chosen_instance_types == ("default_arm64",)
    assert config.functions.log_retention_days == 3653


def test_everything_wrong_is_reported_at_once_in_the_order_of_the_file(write: Write) -> None:
    path = write(
        """name: no
api:
  auth: iam
  prot: 80
compute:
  min_vcpus: 200
  vcpus: 0
queue:
  retention_days: 14
"""
    )
    assert refusal(path).splitlines() == [
        (
            "config.yaml:1: name: must be text, is `no`, which YAML reads as a boolean: "
            "put it in quotes"
        ),
        (
            "config.yaml:3: api.auth: must be `none` when api.mode is `alb`: a load balancer "
            "can't check IAM signatures; use `restapi` for `iam`"
        ),
        "config.yaml:4: api.prot: unknown key, did you mean `port`?",
        "config.yaml:6: compute.max_vcpus: must be at least compute.min_vcpus (200), is 128",
        "config.yaml:7: compute.vcpus: must be at least 1, is 0",
        (
            "config.yaml:9: queue.dead_letter_retention_days: must be more than "
            "queue.retention_days (14), is 14: a message's age counts from when it was first sent"
        ),
    ]


def test_the_old_name_of_a_setting_works_and_its_user_learns_the_new_one(write: Write) -> None:
    path = write("compute:\n  vcpus: 2\n  retries: 5\n")
    warnings: list[str] = []
    assert load(path, warn=warnings.append).compute.tries == 5
    assert load_with_flags(path, "restapi", None, warnings.append).compute.tries == 5
    assert warnings == 2 * [
        (
            "config.yaml:3: compute.retries: this setting is now called `compute.tries`: "
            "write `tries: 5`"
        )
    ]


def test_nobody_is_warned_of_a_file_with_the_names_of_today(write: Write) -> None:
    load(write("compute: {tries: 5}\n"), warn=pytest.fail)


def test_a_missing_file_leads_to_init(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"could not read .*: there is no such file") as raised:
        load(tmp_path / "config.yaml")
    assert "batchctl init" in str(raised.value.hint)


def test_a_directory_is_refused_with_the_systems_reason(tmp_path: Path) -> None:
    assert refusal(tmp_path) == f"could not read `{tmp_path}`: Is a directory"


def test_a_file_in_another_encoding_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_bytes("tags: {ort: Köln}\n".encode("latin-1"))
    assert "is not valid YAML in UTF-8" in refusal(path)


def test_a_byte_order_mark_and_windows_line_ends_are_accepted(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_bytes(b"\xef\xbb\xbfname: risk\r\napi:\r\n  port: 80\r\n")
    assert load(path).api.port == 80


def test_a_file_of_more_than_a_megabyte_is_refused_before_it_is_parsed(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    def parse_nothing(_content: bytes) -> None:
        pytest.fail("it was parsed")

    monkeypatch.setattr(loading, "parse", parse_nothing)
    path = write("name: app\n" + "# comment\n" * 100_000)
    assert refusal(path) == "could not read `config.yaml`: it has more than 1,000,000 bytes"


def test_a_file_of_a_megabyte_is_read(write: Write) -> None:
    text = "name: app\n"
    assert load(write(text + "#" * (1_000_000 - len(text)))).name == "app"


def test_a_pipe_is_refused_without_waiting_for_its_other_end(tmp_path: Path) -> None:
    pipe = tmp_path / "config.yaml"
    os.mkfifo(pipe)
    assert refusal(pipe) == f"could not read `{pipe}`: it is not a regular file"


def test_a_device_is_refused_even_behind_a_link(tmp_path: Path) -> None:
    link = tmp_path / "config.yaml"
    link.symlink_to("/dev/zero")
    assert refusal(link) == f"could not read `{link}`: it is not a regular file"


def test_a_link_to_a_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "shared.yaml").write_text("name: shared\n")
    (tmp_path / "config.yaml").symlink_to("shared.yaml")
    assert load(tmp_path / "config.yaml").name == "shared"


def test_aliases_that_would_expand_to_a_billion_values_are_named_and_never_expanded(
    write: Write,
) -> None:
    levels = [f"k{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 12)}]" for n in range(1, 10)]
    lines = refusal(write("\n".join(["k0: &l0 [x]", *levels]))).splitlines()
    assert "must not be an alias (`*`): write the value out" in lines[1]
    assert len(lines) == MAX_LINES + 1
    assert lines[-1] == "… and 9 more"


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("tags:\n" + "  - a\n" * 10_000, "must have at most 10,000 values"),
        ("name: " + "[" * 300_000, "must not be nested deeper than 20 levels"),
        ("a: &a [1]\nb: [" + "*a ," * 200_000 + "1]", "must have at most 10,000 values"),
    ],
    ids=["values", "levels", "aliases"],
)
def test_what_no_config_needs_is_refused_at_its_line(write: Write, text: str, rule: str) -> None:
    assert re.fullmatch(rf"config\.yaml:[0-9]+: {rule}", refusal(write(text)))


@settings(deadline=None)  # other processes may hold the machine up
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=5,
    ),
    st.sampled_from(key_paths()),
)
def test_no_value_of_any_setting_is_anything_but_accepted_or_refused(
    value: object, path: tuple[str | int, ...]
) -> None:
    data: object = value
    for key in reversed(path):
        data = {key: data}
    with contextlib.suppress(ValidationError):
        assert isinstance(Config.model_validate(data), Config)


FRAGMENTS = st.sampled_from(
    [*"abc019:-,&*!#'\"[]{}|>%@`\n\t ~=.", "\n  ", ": ", "name", "api:\n  ", "!!int ", "0x", "<<"]
)


@settings(deadline=None)  # other processes may hold the machine up
@given(content=st.lists(FRAGMENTS).map("".join).map(str.encode) | st.binary(max_size=20))
@example(content=b"[" * 1000)
@example(content=b'api: {port: !!int "[1"}')
@example(content=b"api: {port: " + b"1" * 5000 + b"}")
def test_whatever_a_file_holds_it_is_read_or_refused(
    content: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_bytes(content)
    with contextlib.suppress(UsageError):
        assert isinstance(load(path), Config)


def test_flags_of_up_override_what_config_says() -> None:
    config = Config().with_flags(api_mode="restapi", auth="iam")
    assert (config.api.mode, config.api.auth) == ("restapi", "iam")
    assert Config().with_flags() == Config()


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"auth": "iam"}, "could not use `--auth iam`: api.auth: must be `none` when"),
        (
            {"api_mode": "alb", "auth": "iam"},
            "could not use `--api-mode alb` and `--auth iam`: api.auth: must be `none` when",
        ),
        ({"api_mode": "nlb"}, "could not use `--api-mode nlb`: api.mode: must be `alb` or"),
    ],
)
def test_a_flag_that_breaks_a_rule_is_named(flags: dict[str, str], message: str) -> None:
    with pytest.raises(UsageError) as raised:
        Config().with_flags(**flags)
    assert raised.value.message.startswith(message)


def test_the_schema_describes_every_setting() -> None:
    schema = json_schema()
    described = {
        path: field["description"]
        for path, field in _properties(schema, schema, ())
        if "description" in field
    }
    settings = {path for path in key_paths() if len(path) == 2 or path[0] not in _sections()}
    assert settings <= set(described)
    assert schema["additionalProperties"] is False


def test_the_visibility_timeout_is_six_times_the_splitters() -> None:
    assert Config().functions.visibility_timeout_s == 360


def test_config_is_read_without_boto3() -> None:
    code = "import sys; import batchctl.config; sys.exit('boto3' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=REPOSITORY)


def test_paths_are_spelled_as_people_write_them() -> None:
    assert dotted(("api", "allowed_cidrs", 0)) == "api.allowed_cidrs[0]"


def _sections() -> set[str]:
    return {
        name
        for name, field in Config.model_fields.items()
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)
    }


def _properties(
    schema: dict[str, Any], node: dict[str, Any], path: tuple[str, ...]
) -> list[tuple[tuple[str, ...], dict[str, Any]]]:
    found = []
    for name, field in node.get("properties", {}).items():
        found.append(((*path, name), field))
        if reference := field.get("$ref"):
            section = schema["$defs"][reference.removeprefix("#/$defs/")]
            found += _properties(schema, section, (*path, name))
    return found
