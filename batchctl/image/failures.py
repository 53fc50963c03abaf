"""What docker, podman and finch say when they fail, and what to do about it.

They have no codes, only texts, so the texts stand here once: parts of their messages in lower case,
each with the hint for the user.
"""

from __future__ import annotations

from collections.abc import Sequence

from batchctl.errors import BatchctlError
from batchctl.image.running import Ended


class TagTaken(BatchctlError):
    """The registry has an image of this tag, and its tags can't be moved."""

    code = "tag_taken"


# The actions are those of Amazon ECR's user guide, "IAM permissions for pushing an image".
MAY_PUSH = (
    "the credentials in use need `ecr:BatchCheckLayerAvailability`, `ecr:InitiateLayerUpload`, "
    "`ecr:UploadLayerPart`, `ecr:CompleteLayerUpload` and `ecr:PutImage` on the repository, and "
    "to go on from the image there `ecr:BatchGetImage` and `ecr:GetDownloadUrlForLayer`"
)
_FREE_SPACE = "free some space: `{builder} system prune` removes what no container uses"
_EMULATE = (
    "this machine can't run programs of {platform}: install QEMU's emulation (`qemu-user-static`, "
    "`binfmt-support`), build on a machine of that architecture, or change `compute.architecture`"
)
_JOIN_GROUP = "add yourself to the group `docker` and log in again"
_START_DOCKER = (
    "start Docker (Docker Desktop, or `sudo systemctl start docker`), or name another builder: "
    "`compute.builder` in config.yaml"
)
_IN_A_CONTAINER = (
    "where podman can't run as it comes (in a container, say), this may help: `export "
    "BUILDAH_ISOLATION=chroot`, and `export BATCHCTL_BUILDER_OPTIONS='--runtime runc "
    "--cgroup-manager=cgroupfs --storage-driver vfs'`"
)
_REACH = (
    "check the network; where the base image's registry can't be reached name another base image: "
    "`compute.base_image` in config.yaml"
)
_HINTS: tuple[tuple[str, str], ...] = (
    ("no space left on device", _FREE_SPACE),
    ("disk quota exceeded", _FREE_SPACE),
    ("exec format error", _EMULATE),
    ("permission denied while trying to connect", _JOIN_GROUP),
    ("cannot connect to the docker daemon", _START_DOCKER),
    ("is the docker daemon running", _START_DOCKER),
    ("podman machine", "start it: `podman machine start`"),
    ("cannot connect to podman", "start it: `podman machine start`"),
    ("finch vm", "start it: `finch vm start`"),
    ("netavark: ", _IN_A_CONTAINER),
    ("systemd cgroup", _IN_A_CONTAINER),
    ("sd-bus call", _IN_A_CONTAINER),
    ("not supported over overlayfs", _IN_A_CONTAINER),
    ("no such host", _REACH),
    ("i/o timeout", _REACH),
    ("network is unreachable", _REACH),
    ("connection refused", _REACH),
    ("name resolution", _REACH),
    ("tls handshake timeout", _REACH),
)
# What registries and builders say of a password that was good once (ECR's are for 12 hours).
_LOGIN_IS_OVER = (
    "token has expired",
    "token expired",
    "authentication token is expired",
    "no basic auth credentials",
    "unauthorized",
)
_TAG_IS_TAKEN = ("immutable", "already exists in the")


def login_is_over(output: str) -> bool:
    """Whether a push failed for want of a login that is still good."""
    return _contains(output, _LOGIN_IS_OVER)


def failure(
    what: str, ended: Ended, *, builder: str, platform: str = "", otherwise: str | None = None
) -> BatchctlError:
    """Return the error "could not <what>" with the whole output.

    Its hint is the one that fits the output, else `otherwise`.
    """
    message = f"could not {what}: `{builder}` ended with {ended.code}"
    if ended.text:
        message = f"{message}\n{ended.text}"
    kind = TagTaken if _contains(ended.text, _TAG_IS_TAKEN) else BatchctlError
    return kind(message, hint=_hint(ended.text, builder, platform) or otherwise)


def _hint(output: str, builder: str, platform: str) -> str | None:
    for text, hint in _HINTS:
        if _contains(output, (text,)):
            return hint.format(builder=builder, platform=platform)
    return None


def _contains(output: str, texts: Sequence[str]) -> bool:
    lower = output.lower()
    return any(text in lower for text in texts)
