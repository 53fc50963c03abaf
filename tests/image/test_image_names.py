"""Names of images as people write them."""

from __future__ import annotations

import pytest

from batchctl.errors import BatchctlError
from batchctl.image.oci.names import ImageName, parse

DIGEST = "sha256:" + "0a" * 32
HUB = "registry-1.docker.io"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("python", ImageName(HUB, "library/python", "latest")),
        ("python:3.13-slim", ImageName(HUB, "library/python", "3.13-slim")),
        ("docker.io/python", ImageName(HUB, "library/python", "latest")),
        ("me/tool:1", ImageName(HUB, "me/tool", "1")),
        ("localhost/me:1", ImageName("localhost", "me", "1")),
        ("localhost:5000/me", ImageName("localhost:5000", "me", "latest")),
        ("ghcr.io/a/b/c:v1.2_x", ImageName("ghcr.io", "a/b/c", "v1.2_x")),
        (f"quay.io/a/b@{DIGEST}", ImageName("quay.io", "a/b", DIGEST)),
        (f"quay.io/a/b:1@{DIGEST}", ImageName("quay.io", "a/b", DIGEST)),
    ],
)
def test_a_name_is_read_as_docker_reads_it(text: str, found: ImageName) -> None:
    assert parse(text) == found


def test_it_is_shown_in_full_and_a_digest_pins_it() -> None:
    tag, pinned = parse("ghcr.io/a/b"), parse(f"ghcr.io/a/b@{DIGEST}")
    assert (str(tag), tag.is_pinned) == ("ghcr.io/a/b:latest", False)
    assert (str(pinned), pinned.is_pinned) == (f"ghcr.io/a/b@{DIGEST}", True)


@pytest.mark.parametrize(
    "text",
    ["", ":1", "Python", "a//b", "a:", "a:b c", "a@sha256:12", "a@latest", "ghcr.io/", "a/../b"],
)
def test_what_is_no_name_is_an_error_that_shows_how(text: str) -> None:
    with pytest.raises(BatchctlError, match="could not read the image's name") as raised:
        parse(text)
    assert "HOST/REPOSITORY:TAG" in str(raised.value.hint)
