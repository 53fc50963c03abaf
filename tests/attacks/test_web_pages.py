"""Web pages in a real browser that attack the cloud which runs beside it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlencode

import browser as browsers
import pytest
from attacker import NAVIGATIONS, REQUESTS, Aimed, Site, page, site
from browser import Browser, chromium
from http_by_hand import Request
from relay import Relay, relay
from service_calls import ACCOUNT
from signing import Key, Scope, presigned
from victim import INTRUDER, MARKER, Victim

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(bool(browsers.why_not()), reason=browsers.why_not()),
]

SITES = {
    "the internet": "http://evil.example:{port}",
    "another port of this machine": "http://127.0.0.1:{port}",
    "another name of this machine": "http://localhost:{port}",
}
TABS = 12
"""How many are open at a time."""

TIMEOUT_S = 60.0

Attack = tuple[str, ...]
"""The port, the origin of the page, and what the page does."""

ATTACKS: list[Attack] = [
    (port, origin, attack)
    for port, origins in (("gateway", tuple(SITES)), ("balancer", ("the internet",)))
    for origin in origins
    for attack in (*NAVIGATIONS, *REQUESTS)
]
MOVED = "a name that has moved to this machine"
REBOUND: list[Attack] = [
    (port, MOVED, attack)
    for port in ("gateway", "balancer")
    for attack in ("fetch", "fetch, post as json", "fetch, put", "XMLHttpRequest", "web socket")
]
TYPED: list[Attack] = [(port, "a typed address", "redirect") for port in ("gateway", "balancer")]
NUMBERS = {attack: number for number, attack in enumerate((*ATTACKS, *REBOUND, *TYPED))}


@dataclass(frozen=True)
class Tried:
    """What came of the pages: the statuses that the cloud gave each attack."""

    statuses: dict[Attack, list[int]]


@dataclass(frozen=True)
class Scene:
    """The victim and what stands around it: the attacker's site, and a relay for each port."""

    victim: Victim
    attacker: Site
    relays: dict[str, Relay]
    marker: Path

    def resolver_rules(self) -> str:
        """Return what makes the browser find all names on this machine, and the relays."""
        ports = [(getattr(self.victim, name), relay.port) for name, relay in self.relays.items()]
        rules = [
            f"MAP {host}:{port} 127.0.0.1:{relayed}"
            for port, relayed in ports
            for host in ("127.0.0.1", "rebind.example")
        ]
        return "--host-resolver-rules=" + ",".join([*rules, "MAP evil.example 127.0.0.1"])

    def addresses(self) -> Iterator[tuple[str, list[Attack]]]:
        """Yield each address that a person opens, and the attacks that await them there."""
        for group in grouped():
            port, origin, *_ = group[0]
            name = str(NUMBERS[group[0]])
            yield self._address(port, origin, name, [self._aimed(each) for each in group]), group

    def _aimed(self, attack: Attack) -> Aimed:
        target, fields = aim(self.victim, attack[0], NUMBERS[attack], self.marker)
        host = "rebind.example" if attack in REBOUND else "127.0.0.1"
        return Aimed(attack[2], target.replace("127.0.0.1", host), fields)

    def _address(self, port: str, origin: str, name: str, attacks: list[Aimed]) -> str:
        """Have the attacks served; return where."""
        evil = SITES.get(origin, SITES["the internet"]).format(port=self.attacker.port)
        if attacks[0].attack == "redirect":
            return f"{evil}/redirect?status=302&to={quote(attacks[0].target, safe='')}"
        if origin == MOVED:
            self.relays[port].pages[f"/{name}"] = page(attacks)
            return f"http://rebind.example:{getattr(self.victim, port)}/{name}"
        self.attacker.pages[name] = page(attacks)
        return f"{evil}/page?name={name}"


def grouped() -> Iterator[list[Attack]]:
    """Yield the attacks of each page: one that navigates, or all others of an origin."""
    together: dict[tuple[str, str], list[Attack]] = {}
    for attack in NUMBERS:
        port, origin, kind = attack
        if kind in REQUESTS:
            together.setdefault((port, origin), []).append(attack)
        else:
            yield [attack]
    yield from together.values()


def mark_of(number: int) -> str:
    return f"mark={number:04}"


@pytest.fixture(scope="module")
def marker(project: Path) -> Path:
    """The file that an attacker's function would write."""
    return project / "an-attackers-function-ran"


@pytest.fixture(scope="module")
def tried(victim: Victim, marker: Path) -> Tried:
    """What happened when a browser opened every page."""
    with site() as attacker, relay(victim.gateway) as gateway, relay(victim.balancer) as balancer:
        relays = {"gateway": gateway, "balancer": balancer}
        scene = Scene(victim, attacker, relays, marker)
        addresses = list(scene.addresses())
        with chromium(scene.resolver_rules()) as browser:
            for start in range(0, len(addresses), TABS):
                open_all(browser, relays, addresses[start : start + TABS])
        return Tried({attack: answered(relays, attack) for attack in NUMBERS})


def open_all(
    browser: Browser, relays: dict[str, Relay], addresses: list[tuple[str, list[Attack]]]
) -> None:
    """Open pages side by side, and close them when all their attacks have reached the cloud."""
    for address, _ in addresses:
        browser.open(address)
    awaited = [attack for _, attacks in addresses for attack in attacks]
    deadline = time.monotonic() + TIMEOUT_S
    while awaited and time.monotonic() < deadline:
        time.sleep(0.02)
        awaited = [attack for attack in awaited if not answered(relays, attack)]
    for tab in browser.tabs()[:-1]:
        browser.close(tab)


def answered(relays: dict[str, Relay], attack: Attack) -> list[int]:
    return relays[attack[0]].statuses(mark_of(NUMBERS[attack]))


def aim(victim: Victim, port: str, number: int, marker: Path) -> tuple[str, dict[str, str]]:
    """Return an address on the cloud that has the whole attack in its query, and its fields."""
    if port == "balancer":
        fields = {"job_id": f"{INTRUDER}-{number}", "universe": "A"}
        address = f"http://127.0.0.1:{victim.balancer}/v1/new-task"
        return f"{address}?{urlencode(fields)}&{mark_of(number)}", fields
    fields = stack(number, marker)
    query = f"{urlencode(fields)}&{mark_of(number)}"
    request = Request("POST", f"/?{query}", (("Host", victim.host),))
    forged = presigned(request, Key(ACCOUNT, ""), Scope("cloudformation"), signature="0" * 64)
    return f"http://{victim.host}{forged.target}", fields


def stack(number: int, marker: Path) -> dict[str, str]:
    """Return a call that makes a function and, by a custom resource, runs it."""
    source = f"def handler(event, context):\n    open({str(marker)!r}, 'a').write('{number} ')"
    function = {
        "Runtime": "python3.13",
        "Handler": "index.handler",
        "Role": f"arn:aws:iam::{ACCOUNT}:role/front-function",
        "Code": {"ZipFile": source},
    }
    resources = {
        "F": {"Type": "AWS::Lambda::Function", "Properties": function},
        "X": {"Type": "Custom::X", "Properties": {"ServiceToken": {"Fn::GetAtt": ["F", "Arn"]}}},
    }
    return {
        "Action": "CreateStack",
        "Version": "2010-05-15",
        "StackName": f"{INTRUDER}-{number}",
        "TemplateBody": json.dumps({"Resources": resources}),
        "Capabilities.member.1": "CAPABILITY_IAM",
    }


@pytest.mark.parametrize("attack", [*ATTACKS, *REBOUND], ids=", ".join)
def test_a_page_is_refused(tried: Tried, attack: Attack) -> None:
    statuses = tried.statuses[attack]
    assert statuses
    assert set(statuses) == {403}


def test_a_site_that_sends_a_person_on_to_aws_is_refused(tried: Tried) -> None:
    """The browser says `Sec-Fetch-Site: none` there: it is the signature that isn't good."""
    assert set(tried.statuses[TYPED[0]]) == {403}


def test_no_page_has_made_anything_or_run_anything(
    tried: Tried, victim: Victim, marker: Path
) -> None:
    assert INTRUDER not in victim.names()
    assert MARKER in victim.names()
    assert not marker.exists()


def test_a_link_that_a_person_follows_to_the_load_balancer_is_all_that_gets_there(
    tried: Tried, victim: Victim
) -> None:
    """It can only read, and no page gets the answer."""
    assert tried.statuses[TYPED[1]] == [200]
    (call,) = victim.calls_of_the_function(INTRUDER)
    assert call.startswith("called GET ")
