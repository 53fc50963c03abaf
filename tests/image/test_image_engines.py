"""Which builder is found, and how it is called."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from fake_builder import VERSIONS, FakeBuilder

from batchctl.errors import BatchctlError
from batchctl.image.container_engine import Build, is_loopback
from batchctl.image.engine_search import find_engine
from batchctl.image.running import Watch

NO_DAEMON = "Cannot connect to the Docker daemon at unix:///var/run/docker.sock."
BUILD = Build(Path("compute"), "registry.example/app:1", "linux/arm64", {"BASE": "python:3"})


def both(docker: FakeBuilder, podman: FakeBuilder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{docker.folder}:{podman.folder}")


def test_docker_is_taken_first_then_podman(
    docker: FakeBuilder, podman: FakeBuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    both(docker, podman, monkeypatch)
    assert find_engine("auto").kind == "docker"
    assert find_engine("podman").kind == "podman"
    shutil.rmtree(docker.folder)
    assert find_engine("auto").kind == "podman"


def test_a_docker_whose_daemon_does_not_run_gives_way_to_a_podman_that_works(
    docker: FakeBuilder, podman: FakeBuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    both(docker, podman, monkeypatch)
    docker.answer(version=[(1, NO_DAEMON)])
    assert find_engine("auto").kind == "podman"
    with pytest.raises(BatchctlError, match="could not use the image builder `docker`"):
        find_engine("docker")


@pytest.mark.parametrize(
    ("name", "verb", "output", "hint"),
    [
        ("docker", "version", NO_DAEMON, "systemctl start docker"),
        (
            "docker",
            "version",
            "permission denied while trying to connect to the Docker daemon socket",
            "group `docker`",
        ),
        (
            "podman",
            "info",
            "Cannot connect to Podman. Please verify your connection, or try `podman machine init`",
            "podman machine start",
        ),
        ("finch", "info", "FATA[0000] instance of the finch VM is stopped", "finch vm start"),
    ],
)
def test_a_builder_that_does_not_run_is_told_with_what_starts_it(
    tmp_path: Path,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    verb: str,
    output: str,
    hint: str,
) -> None:
    builder = FakeBuilder(tmp_path / "here", name)
    builder.install()
    builder.answer(**{verb: [(1, output)]})
    monkeypatch.setenv("PATH", str(builder.folder))
    with pytest.raises(BatchctlError) as raised:
        find_engine("auto")
    assert f"could not use the image builder `{name}`" in raised.value.message
    assert output in raised.value.message
    assert hint in str(raised.value.hint)


@pytest.mark.parametrize(
    ("choice", "named"),
    [("auto", "none of `docker`, `podman`, `finch` is"), ("finch", "`finch` is not")],
)
def test_without_a_builder_it_says_which_to_install_or_what_to_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, choice: str, named: str
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BatchctlError, match=f"image builder: {named} on PATH") as raised:
        find_engine(choice)  # type: ignore[arg-type]
    assert "compute.image" in str(raised.value.hint)


def test_when_no_builder_works_each_says_why(
    docker: FakeBuilder, podman: FakeBuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    both(docker, podman, monkeypatch)
    docker.answer(version=[(1, NO_DAEMON)])
    podman.answer(info=[(125, "unknown flag: --runtimes")])
    with pytest.raises(BatchctlError) as raised:
        find_engine("auto")
    assert NO_DAEMON in raised.value.message
    assert "`podman` ended with 125\nunknown flag: --runtimes" in raised.value.message
    assert "systemctl start docker" in str(raised.value.hint)


def test_a_podman_that_is_called_docker_is_a_podman(docker: FakeBuilder) -> None:
    docker.answer(**{"--version": [(0, VERSIONS["podman"])]})
    builder = find_engine("auto")
    assert (builder.kind, builder.program) == ("podman", "docker")
    builder.push("127.0.0.1:4566/app:1", {}, Watch())
    (push,) = docker.called("push")
    assert push["arguments"] == ["push", "--tls-verify=false", "127.0.0.1:4566/app:1"]


def test_options_of_config_and_of_this_machine_stand_before_every_command(
    podman: FakeBuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BATCHCTL_BUILDER_OPTIONS", "--storage-driver vfs --log-level='a b'")
    builder = find_engine("podman", ("--runtime", "runc"))
    options = ["--runtime", "runc", "--storage-driver", "vfs", "--log-level=a b"]
    assert podman.called("info")[0]["arguments"] == [*options, "info"]
    assert builder.command("run", "x") == ("podman", *options, "run", "x")


def test_an_image_is_built_for_the_platform_from_the_base_image(docker: FakeBuilder) -> None:
    find_engine("auto").build(BUILD, Watch())
    (build,) = docker.called("build")
    names = ["--platform", "linux/arm64", "--tag", "registry.example/app:1"]
    assert build["arguments"] == ["build", *names, "--build-arg=BASE=python:3", "compute"]
    assert build["environment"]["BUILDX_NO_DEFAULT_ATTESTATIONS"] == "1"


def test_with_buildx_the_image_is_loaded_into_dockers_own_store(docker: FakeBuilder) -> None:
    docker.answer(buildx=[(0, "github.com/docker/buildx v0.24.0")])
    find_engine("auto").build(BUILD, Watch())
    (build,) = docker.called("build")
    assert build["arguments"][:4] == ["buildx", "build", "--load", "--progress=plain"]


@pytest.mark.parametrize("host", ["127.0.0.1:4566", "localhost:5000", "[::1]:4566"])
def test_this_machine_is_a_registry_without_tls(host: str) -> None:
    assert is_loopback(host)
    assert not is_loopback("123456789012.dkr.ecr.us-east-1.amazonaws.com")
