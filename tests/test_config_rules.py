"""Every rule of config.yaml, broken: the message has the file, the line, the key and the rule."""

from __future__ import annotations

from pathlib import Path

import pytest

from batchctl.config import load
from batchctl.errors import UsageError


@pytest.fixture(autouse=True)
def working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty working directory, so that messages say `config.yaml` without a folder."""
    monkeypatch.chdir(tmp_path)


def refusal(text: str) -> list[str]:
    path = Path("config.yaml")
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError) as raised:
        load(path)
    return raised.value.message.splitlines()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        # the document
        ("- a\n", "config.yaml:1: must be keys and values (`name: value`)"),
        ("just text\n", "config.yaml:1: must be keys and values"),
        ("name: a\n\tregion: b\n", "config.yaml:2: is not valid YAML: while scanning"),
        ("name: [a\n", "config.yaml:2: is not valid YAML"),
        ("name: ab\n---\nname: cd\n", "config.yaml:2: is not valid YAML"),
        ("name: ab\x00\n", "config.yaml:1: is not valid YAML in UTF-8"),
        ("name: ab\nname: cd\n", "config.yaml:1: name: stands twice: line 2 has it again"),
        ("api:\n  port: 1\n  port: 1\n", "config.yaml:2: api.port: stands twice: line 3"),
        ("? [a]\n: b\n", "config.yaml:1: must have keys that are plain text"),
        ("tags: &a {b: c}\napi: *a\n", "config.yaml:2: api: must not be an alias"),
        ("name: !env NAME\n", "config.yaml:1: name: must not have the YAML tag `!env`"),
        ("<<: {name: ab}\n", "config.yaml:1: <<: unknown key"),
        # what a cloned repository would have the engine run, or ask
        ("compute: {builder_options: [--runtime=/tmp/x]}\n", "must have a plain name after `--run"),
        ("compute: {builder_options: [--runtime, ../x]}\n", "must have a plain name after `--run"),
        ("compute: {builder_options: [--runtime]}\n", "must have a plain name after `--runtime`"),
        ("compute: {builder_options: [--config=.d]}\n", "must be of --cgroup-manager, --context,"),
        ("compute: {builder_options: [-H, evil]}\n", "compute.builder_options: must be of --cg"),
        ("compute: {builder_options: [--storage-opt=a]}\n", "BATCHCTL_BUILDER_OPTIONS), is"),
        # YAML's guesses
        (
            "account_id: 123456789012\n",
            "account_id: must be text, is the number `123456789012`: put",
        ),
        ("account_id: 012345670123\n", "account_id: must be spelled plainly: YAML reads"),
        ("api: {port: 010}\n", "api.port: must be spelled plainly: YAML reads `010` as 8"),
        ("api: {port: 0x10}\n", "api.port: must be spelled plainly: YAML reads `0x10` as 16"),
        ("api: {port: 12:30}\n", "api.port: must be spelled plainly: YAML reads `12:30` as 750"),
        ("api: {port: 1_000}\n", "api.port: must be spelled plainly"),
        # PyYAML would work on it for a minute.
        (f"api: {{port: 1{':1' * 400_000}}}\n", "1:1:1:1:1:…` wrongly; write the number in"),
        ('api: {port: "80"}\n', "api.port: must be a whole number, is the text `80`: remove the q"),
        ("api: {port: 80.0}\n", "api.port: must be a whole number, is the number `80.0`"),
        ("api: {port: true}\n", "api.port: must be a whole number, is `true`, which YAML"),
        ("api: {auth: off}\n", "api.auth: must be `none` or `iam`, is `off`, which YAML reads as"),
        (
            "functions: {tracing: 1}\n",
            "functions.tracing: must be true or false, is the number `1`",
        ),
        ("functions: {log_retention_days: 8}\n", "must be one of 1, 3, 5, 7, 14"),
        ("functions: {log_retention_days: true}\n", "must be a whole number, is `true`"),
        ('functions: {log_retention_days: "7"}\n', "is the text `7`: remove the quotes"),
        ("tags: {a: 1}\n", "tags.a: must be text, is the number `1`: put it in quotes"),
        # keys
        ("retries: 3\n", "config.yaml:1: retries: unknown key, did you mean `compute.tries`?"),
        ("queue: {zzz: 3}\n", "queue.zzz: unknown key; known here: retention_days, dead_letter"),
        ("api: 80\n", "api: must be a group of settings, is the number `80`"),
        ("tags: [a]\n", "tags: must be a mapping of keys to values, is a list"),
        ("api: {allowed_cidrs: 10.0.0.0/8}\n", "api.allowed_cidrs: must be a list (`[A, B]`), is"),
        (
            "api: {allowed_cidrs: {a: b}}\n",
            "api.allowed_cidrs: must be a list (`[A, B]`), is a map",
        ),
        # values
        ("name: Batch\n", "name: must have 2 to 20 lower-case letters"),
        ("name: a23456789012345678901\n", "name: must have 2 to 20 lower-case letters"),
        ("name: ab-\n", "name: must have 2 to 20 lower-case letters"),
        ("name: internal-a\n", "not begin with `internal-`"),
        ('name: "ab\\n"\n', "name: must have 2 to 20 lower-case letters"),
        ("region: Frankfurt\n", "region: must be an AWS region such as"),
        ('account_id: "1234"\n', "account_id: must be an AWS account id, 12 digits"),
        ("tags: {AWS:a: b}\n", "tags: must not have the key `AWS:a`"),
        ("tags: {batchctl:stack: b}\n", "`aws:` and `batchctl:` are reserved"),
        ("tags: {Cost: a, cost: b}\n", "tags: must not have the key `cost` twice"),
        ("tags: {a: é}\n", "tags.a: must be 256 letters"),
        ("tags: {é: a}\n", "tags.é: must be 1 to 128 letters"),
        ("api: {mode: ALB}\n", "api.mode: must be `alb` or `restapi`, is `ALB`"),
        ("api: {port: 65536}\n", "api.port: must be at most 65535, is 65536"),
        ("api: {allowed_cidrs: []}\n", "api.allowed_cidrs: must not be an empty list"),
        (
            "api: {allowed_cidrs: [10.0.0.1/8]}\n",
            "allowed_cidrs[0]: must be a network: write `10.0",
        ),
        ("api: {allowed_cidrs: [10.0.0.1]}\n", "must be a network: write `10.0.0.1/32`"),
        ("api: {allowed_cidrs: [10.0.0.0/33]}\n", "must be an IPv4 or IPv6 network"),
        ('api: {allowed_cidrs: ["::/0", "0::/0"]}\n', "must not name `::/0` twice"),
        ("api: {certificate_arn: cert}\n", "api.certificate_arn: must be the ARN of an ACM"),
        ("network: {vpc_id: mine}\n", "network.vpc_id: must be a VPC's id"),
        ("network: {function_subnet_ids: [a]}\n", "function_subnet_ids[0]: must be a subnet's id"),
        (
            f"compute: {{image: {'a' * 252}:1.0}}\n",
            "compute.image: must have at most 255 characters",
        ),
        ("compute: {image: risk}\n", "compute.image: must be an image with its tag"),
        ("compute: {image: Risk:1}\n", "compute.image: must be an image with its tag"),
        *(
            (
                f"compute: {{include_files: [{path}]}}\n",
                "compute.include_files[0]: must be the path",
            )
            for path in (
                ".",
                "..",
                "../x.pem",
                "a/../b",
                "a/..",
                "/etc/x",
                "a//b",
                "a/",
                "./a",
                '""',
            )
        ),
        ("compute: {include_files: [a, a]}\n", "compute.include_files: must not name `a` twice"),
        ("compute: {command: []}\n", "compute.command: must not be an empty list"),
        ('compute: {command: [a, ""]}\n', "compute.command[1]: must not be empty"),
        ("compute: {vcpus: 0.25}\n", "compute.vcpus: must be a whole number"),
        ("compute: {timeout_s: 0}\n", "compute.timeout_s: must be at least 1, is 0"),
        ("compute: {memory_mib: 3}\n", "compute.memory_mib: must be a whole number of at least 4"),
        ("compute: {memory_mib: much}\n", "rising list of them, is `much`"),
        ("compute: {memory_mib: true}\n", "rising list of them, is `True`"),
        ("compute: {memory_mib: []}\n", "compute.memory_mib: must have 1 to 5 sizes, has 0"),
        ("compute: {memory_mib: [1024, 1024]}\n", "must rise from size to size, has 1024 after"),
        ("compute: {processes: 0}\n", "compute.processes: must be at least 1, is 0"),
        ("compute: {tries: 0}\n", "compute.tries: must be at least 1, is 0"),
        ("compute:\n  retries: 0\n", "config.yaml:2: compute.tries: must be at least 1, is 0"),
        (
            "compute:\n  tries: 2\n  retries: 3\n",
            "config.yaml:3: compute.retries: is the old name of `compute.tries`, which is set as",
        ),
        ("compute: {attempts: 11}\n", "compute.attempts: must be at most 10, is 11"),
        (
            "compute: {items_per_task: 10001}\n",
            "items_per_task: must be `auto` or a whole number from 1 to 10000, is `10001`",
        ),
        ("compute: {items_per_task: some}\n", "must be `auto` or a whole number from 1 to 10000"),
        ("compute: {environment: {AWS_BATCH_X: a}}\n", "must not set `AWS_BATCH_X`"),
        ("compute: {environment: {BATCHCTL_TABLE: a}}\n", "must not set `BATCHCTL_TABLE`"),
        ("compute: {environment: {AWS_SECRET_ACCESS_KEY: a}}\n", "must not set `AWS_SECRET"),
        ("compute: {environment: {1A: a}}\n", "environment.1A: must have letters, digits"),
        (f"compute: {{environment: {{A: {'a' * 20480}}}}}\n", "must have at most 20480 bytes"),
        ("compute: {instance_types: [a1.large]}\n", "must not be an A1 instance"),
        ("compute: {instance_types: [C7I]}\n", "instance_types[0]: must be an instance family"),
        ("functions: {runtime: python3.10}\n", "functions.runtime: must be `python3.11`, "),
        ("functions: {memory_mib: 127}\n", "functions.memory_mib: must be at least 128"),
        ("functions: {timeout_s: 901}\n", "functions.timeout_s: must be at most 900"),
        ("local: {executor: lambda}\n", "local.executor: must be `process` or `container`"),
        # rules between settings
        (
            "api: {mode: restapi, allowed_cidrs: [10.0.0.0/8]}\n",
            "api.allowed_cidrs: must be [0.0.0.0/0] when api.mode is `restapi`",
        ),
        (
            "network: {load_balancer_subnet_ids: [subnet-0a1b2c3d]}\n",
            "network.load_balancer_subnet_ids: must name two subnets or more",
        ),
        ("compute: {vcpus: 8, max_vcpus: 4}\n", "must be at least compute.vcpus (8), is 4"),
        (
            "compute: {vcpus: 8}\nlocal: {vcpus: 4}\n",
            "config.yaml:2: local.vcpus: must be at least compute.vcpus (8), is 4",
        ),
        (
            "compute: {instance_types: [c7i, c7gn.large]}\n",
            "compute.instance_types[1]: must be for compute.architecture (x86_64), `c7gn.large` is",
        ),
        (
            "compute:\n  architecture: arm64\n  instance_types: [optimal]\n",
            "config.yaml:3: compute.instance_types[0]: must be for compute.architecture (arm64)",
        ),
        (
            "api: {port: 5000}\nlocal: {gateway_port: 5000}\n",
            "config.yaml:2: local.gateway_port: must not be api.port (5000)",
        ),
        (
            "local: {gateway_port: 5000, api_port: 5000}\n",
            "config.yaml:1: local.gateway_port: must not be local.api_port (5000)",
        ),
        (
            "local: {api_port: x}\n",
            "local.api_port: must be `auto` or a whole number from 1 to 65535, is `x`",
        ),
    ],
)
def test_what_is_wrong_is_reported_with_file_line_key_and_rule(text: str, message: str) -> None:
    lines = refusal(text)
    assert len(lines) == 1
    assert lines[0].startswith("config.yaml:")
    assert message in lines[0]


def test_a_rule_is_not_judged_by_a_value_that_is_wrong_itself() -> None:
    lines = refusal("compute:\n  min_vcpus: 200\n  max_vcpus: many\n")
    assert lines == ["config.yaml:3: compute.max_vcpus: must be a whole number, is the text `many`"]


def test_options_that_choose_by_a_plain_name_are_let_through(tmp_path: Path) -> None:
    options = ["--storage-driver", "vfs", "--runtime=runc"]
    path = tmp_path / "config.yaml"
    path.write_text(f"compute: {{builder_options: [{', '.join(options)}]}}\n")
    assert list(load(path).compute.builder_options) == options


@pytest.mark.parametrize(
    ("text", "sizes"),
    [
        ("4096", (4096,)),
        ("4GiB", (4096,)),
        ("512 MiB", (512,)),
        ("2g", (2048,)),
        ("[1024, 4GiB, 16GiB]", (1024, 4096, 16384)),
    ],
)
def test_memory_may_be_written_with_its_unit(
    tmp_path: Path, text: str, sizes: tuple[int, ...]
) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(f"compute: {{memory_mib: {text}}}\nfunctions: {{memory_mib: 2GiB}}\n")
    config = load(path)
    assert (config.compute.memory_sizes_mib, config.functions.memory_mib) == (sizes, 2048)
