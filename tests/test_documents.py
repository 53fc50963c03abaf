"""The pages lead where they say, and the workflows use what is pinned."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_leads_to_a_file_and_a_heading_that_are_there(page: Path) -> None:
    for link in re.findall(r"\]\((?!https?:)([^)\s]+)\)", page.read_text(encoding="utf-8")):
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_every_test_that_the_page_on_security_names_is_there() -> None:
    """Each holds a boundary; a name without a folder is in the folder of the one before it."""
    folder = ROOT / "tests/attacks"
    text = (ROOT / "docs/security.md").read_text(encoding="utf-8")
    named = re.findall(r"((?:tests/[\w/]*?)?)(test_\w+\.py)", text)
    assert named
    for path, name in named:
        folder = ROOT / path if path else folder
        assert (folder / name).is_file(), f"{folder / name}"


def test_the_page_on_security_has_what_a_stranger_can_cost_as_it_is_computed() -> None:
    script = ROOT / "bench/stranger_cost.py"
    printed = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True)
    text = (ROOT / "docs/security.md").read_text(encoding="utf-8")
    for part in printed.stdout.strip().split("\n\n"):
        assert part in text


def test_every_decision_has_its_number_and_is_listed() -> None:
    listed = (ROOT / "docs" / "decisions" / "README.md").read_text(encoding="utf-8")
    for number, page in enumerate(DECISIONS, start=1):
        title = page.read_text(encoding="utf-8").splitlines()[0]
        assert title.startswith(f"# {number}. ")
        assert f"[{title.split('. ', 1)[1]}]({page.name})" in listed


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_pins_its_actions_and_grants_nothing_but_by_job(path: Path) -> None:
    workflow = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert workflow["permissions"] == {}
    for job in workflow["jobs"].values():
        assert "timeout-minutes" in job
        assert "write-all" not in str(job["permissions"])
        for used in (step["uses"] for step in job["steps"] if "uses" in step):
            assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", used), used


def test_the_hosted_checks_run_on_every_python_that_the_package_names() -> None:
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8"))
    pythons = workflow["jobs"]["check"]["strategy"]["matrix"]["python"]
    setup = (ROOT / "setup.py").read_text(encoding="utf-8")
    assert re.findall(r"Python :: (3\.\d+)", setup) == pythons
    light = workflow["jobs"]["light"]["steps"][-1]["run"].split()
    for path in (each for each in light if each.startswith("tests/")):
        assert (ROOT / path).exists(), path
