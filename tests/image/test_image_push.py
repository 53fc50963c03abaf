"""A folder becomes an image in a registry, or an error that says what to do."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest
from fake_builder import FakeBuilder

from batchctl.errors import BatchctlError, Interrupted
from batchctl.image.failures import TagTaken
from batchctl.image.recipe import FolderRecipe, Registry, platform_of
from batchctl.image.running import Watch

URI = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/app-compute"
HOST = URI.partition("/")[0]


class Passwords:
    """A registry's passwords, each of which is another."""

    def __init__(self) -> None:
        self.given: list[str] = []

    def __call__(self) -> str:
        self.given.append(f"secret-{len(self.given) + 1}")
        return self.given[-1]


@pytest.fixture
def passwords() -> Passwords:
    """The registry's passwords."""
    return Passwords()


@pytest.fixture
def registry(passwords: Passwords) -> Registry:
    """A registry of AWS's."""
    return Registry(URI, passwords)


@pytest.fixture
def recipe(folder: Path) -> FolderRecipe:
    """The folder, for linux/amd64."""
    return FolderRecipe(folder, "linux/amd64")


def test_it_is_built_checked_and_pushed_with_the_password_on_stdin_alone(
    docker: FakeBuilder, recipe: FolderRecipe, registry: Registry
) -> None:
    recipe.push_to(registry, "0a1b", Watch())
    assert [call["verb"] for call in docker.calls[-4:]] == ["build", "image", "login", "push"]
    (login,) = docker.called("login")
    assert login["arguments"] == ["login", "--username", "AWS", "--password-stdin", HOST]
    assert login["given"] == "secret-1"
    assert docker.called("push")[0]["arguments"] == ["push", f"{URI}:0a1b"]
    assert "secret" not in json.dumps([call["arguments"] for call in docker.calls])


def test_a_recipe_that_is_to_be_rebuilt_takes_the_newest_base_and_nothing_built_before(
    docker: FakeBuilder, folder: Path, registry: Registry
) -> None:
    recipe = FolderRecipe(folder, "linux/amd64", rebuilt="20261124T003252Z")
    recipe.push_to(registry, "0a1b", Watch())
    assert {"--pull", "--no-cache"} <= set(docker.called("build")[0]["arguments"])


def test_each_line_of_the_output_is_told_as_it_comes(
    docker: FakeBuilder, recipe: FolderRecipe, registry: Registry
) -> None:
    docker.answer(build=[(0, "step 1\n\nstep 2")], push=[(0, "layer pushed")])
    told: list[str] = []
    recipe.push_to(registry, "0a1b", Watch(told.append))
    assert told == ["docker build: step 1", "docker build: step 2", "docker push: layer pushed"]


def test_the_users_docker_is_used_with_a_login_of_our_own_that_does_not_stay(
    docker: FakeBuilder, home: Path, recipe: FolderRecipe, registry: Registry
) -> None:
    own = home / ".docker"
    (own / "contexts").mkdir(parents=True)
    settings = {"currentContext": "colima", "credsStore": "keychain", "auths": {"mine": {}}}
    (own / "config.json").write_text(json.dumps(settings))
    recipe.push_to(registry, "0a1b", Watch())
    for call in (*docker.called("login"), *docker.called("push")):
        folder = Path(call["environment"]["DOCKER_CONFIG"])
        assert folder != own
        assert not folder.exists()
        assert json.loads(call["docker_config"]) == {"currentContext": "colima"}
    assert "DOCKER_CONFIG" not in docker.called("build")[0]["environment"]
    assert json.loads((own / "config.json").read_text()) == settings
    assert (own / "contexts").is_dir()


def test_podmans_login_is_in_a_file_that_does_not_stay(
    podman: FakeBuilder, recipe: FolderRecipe, registry: Registry
) -> None:
    recipe.push_to(registry, "0a1b", Watch())
    (login,), (push,) = podman.called("login"), podman.called("push")
    file = Path(login["environment"]["REGISTRY_AUTH_FILE"])
    assert push["environment"]["REGISTRY_AUTH_FILE"] == str(file)
    assert not file.parent.exists()
    assert "--tls-verify=false" not in push["arguments"]


def test_a_login_that_ends_in_a_long_push_is_renewed_once(
    docker: FakeBuilder, recipe: FolderRecipe, registry: Registry
) -> None:
    over = "denied: Your authorization token has expired. Reauthenticate and try again."
    docker.answer(push=[(1, over), (0, "pushed")])
    recipe.push_to(registry, "0a1b", Watch())
    assert [call["given"] for call in docker.called("login")] == ["secret-1", "secret-2"]
    assert len(docker.called("push")) == 2


def test_a_push_that_is_refused_again_says_what_the_credentials_need(
    docker: FakeBuilder, recipe: FolderRecipe, registry: Registry, passwords: Passwords
) -> None:
    docker.answer(push=[(1, "no basic auth credentials")])
    with pytest.raises(BatchctlError, match="could not push the image") as raised:
        recipe.push_to(registry, "0a1b", Watch())
    assert "`ecr:PutImage`" in str(raised.value.hint)
    assert len(passwords.given) == 2
    assert "secret" not in raised.value.message


def test_a_denied_push_is_not_tried_again(
    docker: FakeBuilder, recipe: FolderRecipe, registry: Registry
) -> None:
    said = "denied: User: arn:aws:iam::1:user/x is not authorized: ecr:InitiateLayerUpload"
    docker.answer(push=[(1, said)])
    with pytest.raises(BatchctlError, match="InitiateLayerUpload") as raised:
        recipe.push_to(registry, "0a1b", Watch())
    assert "`ecr:InitiateLayerUpload`" in str(raised.value.hint)
    assert len(docker.called("push")) == 1


@pytest.mark.parametrize(
    ("said", "hint"),
    [
        ("writing blob: /var/tmp/x: no space left on device", "podman system prune"),
        ("pinging container registry: dial tcp: i/o timeout", "check the network"),
    ],
)
def test_a_push_that_fails_on_this_machine_says_what_to_do_here(
    podman: FakeBuilder, recipe: FolderRecipe, registry: Registry, said: str, hint: str
) -> None:
    podman.answer(push=[(125, f"Error: {said}")])
    with pytest.raises(BatchctlError, match="could not push the image") as raised:
        recipe.push_to(registry, "0a1b", Watch())
    assert hint in str(raised.value.hint)
    assert "ecr:PutImage" not in str(raised.value.hint)
    assert len(podman.called("push")) == 1


def test_a_tag_that_is_taken_is_an_error_of_its_own(
    docker: FakeBuilder, recipe: FolderRecipe, registry: Registry
) -> None:
    said = (
        "tag invalid: The image tag '0a1b' already exists in the 'app-compute' repository and "
        "cannot be overwritten because the repository is immutable."
    )
    docker.answer(push=[(1, said)])
    with pytest.raises(TagTaken):
        recipe.push_to(registry, "0a1b", Watch())


@pytest.mark.parametrize(
    ("said", "hint"),
    [
        ("write /var/lib/docker/tmp/x: no space left on device", "docker system prune"),
        ("exec /bin/sh: exec format error", "can't run programs of linux/amd64"),
        ("dial tcp: lookup public.ecr.aws: no such host", "compute.base_image"),
        ("Error: netavark: No such file or directory", "BUILDAH_ISOLATION=chroot"),
        ("Unknown instruction: COPI", "/Dockerfile`, then run the command again"),
    ],
)
def test_a_build_that_fails_shows_all_its_output_and_what_to_do(
    docker: FakeBuilder, recipe: FolderRecipe, registry: Registry, said: str, hint: str
) -> None:
    docker.answer(build=[(1, f"step 1\n{said}")])
    with pytest.raises(BatchctlError) as raised:
        recipe.push_to(registry, "0a1b", Watch())
    assert raised.value.message == (
        f"could not build the image of `{recipe.folder}`: `docker` ended with 1\nstep 1\n{said}"
    )
    assert hint in str(raised.value.hint)
    assert docker.called("login") == []


def test_a_login_that_fails_does_not_show_the_password(
    docker: FakeBuilder, recipe: FolderRecipe, registry: Registry
) -> None:
    docker.answer(login=[(1, "Error response from daemon: dial tcp: i/o timeout")])
    with pytest.raises(BatchctlError, match=f"could not log in to `{HOST}`") as raised:
        recipe.push_to(registry, "0a1b", Watch())
    assert "secret" not in raised.value.message
    assert docker.called("push") == []


def test_an_image_for_another_processor_is_not_pushed(
    docker: FakeBuilder, recipe: FolderRecipe, registry: Registry
) -> None:
    docker.answer(image=[(0, "linux/arm64")])
    with pytest.raises(BatchctlError, match="built for linux/arm64, the machines are linux/amd64"):
        recipe.push_to(registry, "0a1b", Watch())
    assert docker.called("push") == []


def test_what_changed_since_the_plan_is_not_built(
    docker: FakeBuilder, recipe: FolderRecipe, registry: Registry
) -> None:
    assert recipe.contents
    (recipe.folder / "compute.py").write_text("other")
    (recipe.folder / "up.log").write_text("of a run whose output goes into the folder")
    with pytest.raises(
        BatchctlError, match=r"`compute.py`, `up.log` in .* changed since"
    ) as raised:
        recipe.push_to(registry, "0a1b", Watch())
    assert ".dockerignore" in str(raised.value.hint)
    assert docker.called("build") == []


def test_ctrl_c_ends_a_build(docker: FakeBuilder, recipe: FolderRecipe, registry: Registry) -> None:
    docker.answer(build=[("hang", "step 1")])
    stop = threading.Event()
    with pytest.raises(Interrupted):
        recipe.push_to(registry, "0a1b", Watch(lambda _: stop.set(), stop))
    assert docker.called("login") == []


@pytest.mark.parametrize(
    ("architecture", "platform"),
    [
        ("x86_64", "linux/amd64"),
        ("AMD64", "linux/amd64"),
        ("arm64", "linux/arm64"),
        ("aarch64", "linux/arm64"),
        ("riscv64", "linux/riscv64"),
    ],
)
def test_a_processor_has_the_name_that_builders_know(architecture: str, platform: str) -> None:
    assert platform_of(architecture) == platform
