"""What is nobody's business: the emulator's own paths, ours, and ways round the front."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from http_by_hand import Request, exchange, parsed
from victim import FUNCTION, MARKER, Victim

pytestmark = pytest.mark.e2e

EMULATORS = (
    ("GET", "/_ministack/health"),
    ("GET", "/_ministack/ready"),
    ("GET", "/_localstack/health"),
    ("GET", "/_localstack/info"),
    ("GET", "/health"),
    ("POST", "/_ministack/reset"),
    ("POST", "/_ministack/config"),
    ("GET", "/_ministack/sqs/messages"),
    ("GET", "/_ministack/ses/messages"),
    ("GET", "/_ministack/sns/sms-messages"),
    ("GET", f"/_ministack/lambda-code/{FUNCTION}"),
    ("GET", f"/_ministack/lambda-layers/{FUNCTION}"),
    ("PUT", "/_ministack/cfn-response/token"),
    ("PUT", "/_ministack/cfn-signal/token"),
    ("POST", "/_ministack/rds/iam-auth"),
    ("GET", "/_ministack/rds/ca.pem"),
    ("POST", "/_ministack/eks-auth/cluster"),
    ("GET", "/_ministack/transfer/sftp-ports"),
    ("GET", "/oauth2/authorize"),
    ("POST", "/oauth2/token"),
    ("GET", "/logout"),
    ("GET", "/_aws/sqs/messages"),
    ("GET", "/_aws/lambda-url/none"),
    ("GET", "/_alb/front/health"),
)
RESET_SPELLINGS = (
    "/_ministack/reset",
    "/_ministack/reset?init=1",
    "/_ministack/reset/",
    "//_ministack/reset",
    "/_ministack//reset",
    "/./_ministack/reset",
    "/x/../_ministack/reset",
    "/_ministack/../_ministack/reset",
    "/%5fministack/reset",
    "/_ministack%2freset",
    "/_ministack/reset%00",
    "/_MINISTACK/RESET",
    "/_ministack/reset;x",
    "/_aws/../_ministack/reset",
    "/_batchctl/../_ministack/reset",
    "http://127.0.0.1:{port}/_ministack/reset",
    "/_ministack/reset#x",
)
OURS = (("GET", "status"), ("POST", "interrupt"), ("GET", "interrupt"), ("GET", ""))


@pytest.mark.parametrize(("method", "path"), EMULATORS)
def test_the_emulators_own_paths_are_closed(victim: Victim, method: str, path: str) -> None:
    answer = victim.to_gateway(Request(method, path, (), b"{}"))
    assert answer.is_refusal or answer.status == 404, answer


@pytest.mark.parametrize(
    ("method", "path"), [each for each in EMULATORS if each[1].startswith("/_ministack/")]
)
def test_they_are_closed_to_root_too(victim: Victim, method: str, path: str) -> None:
    request = victim.as_root(Request(method, path, (), b"{}"), "s3")
    assert 400 <= victim.to_gateway(request).status < 500
    assert MARKER in victim.names()


@pytest.mark.parametrize("path", RESET_SPELLINGS)
def test_nobody_resets_the_cloud_however_it_is_spelled(victim: Victim, path: str) -> None:
    target = path.format(port=victim.gateway)
    for method in ("POST", "GET", "PUT", "post"):
        answer = victim.to_gateway(Request(method, target, (), b""))
        assert 400 <= answer.status < 500, answer
        assert not answer.lets_pages_read_it
    assert MARKER in victim.names()


@pytest.mark.parametrize(("method", "path"), OURS)
@pytest.mark.parametrize(
    "header",
    [
        (),
        (("Authorization", "Bearer "),),
        (("Authorization", "Bearer local-cloud-root"),),
        (("Authorization", "Basic MDAwMDAwMDAwMDAwOnRlc3Q="),),
        (("X-Batchctl-Secret", "test"),),
    ],
    ids=["nothing", "an empty secret", "the secret of old", "basic", "a header of ours"],
)
def test_our_own_paths_ask_for_the_secret(
    victim: Victim, method: str, path: str, header: tuple[tuple[str, str], ...]
) -> None:
    headers = (("Content-Type", "application/json"), *header)
    answer = victim.to_gateway(Request(method, f"/_batchctl/{path}", headers, b"{}"))
    assert answer.is_refusal, answer
    assert victim.root.secret.encode() not in answer.body


def test_the_load_balancers_port_leads_to_the_application_alone(victim: Victim) -> None:
    paths = [path for _, path in EMULATORS if path != "/health"]
    for path in (*paths, "/_batchctl/status", "/2015-03-31/functions"):
        answer = victim.to_balancer(Request("POST", path))
        assert json.loads(answer.body) == {"path": path}
    assert MARKER in victim.names()


def test_an_api_that_asks_for_iam_is_closed_and_one_that_does_not_is_open(victim: Victim) -> None:
    for form in ("/_aws/execute-api/{}/v1/", "/restapis/{}/v1/_user_request_/"):
        opened, closed = (
            victim.to_gateway(Request("GET", form.format(api)))
            for api in (victim.open_api, victim.closed_api)
        )
        assert (opened.status, opened.lets_pages_read_it) == (200, False)
        assert closed.is_refusal
    host = f"{victim.closed_api}.execute-api.localhost:{victim.gateway}"
    assert victim.to_gateway(Request("GET", "/v1/", (("Host", host),))).is_refusal


def test_no_path_of_an_open_api_leads_past_its_methods(victim: Victim) -> None:
    base = f"/restapis/{victim.open_api}"
    targets = [
        base,
        f"{base}/resources",
        f"{base}/stages/v1",
        f"{base}/v1/_user_request_/../../../../_ministack/reset",
        f"/_aws/execute-api/{victim.open_api}/v1/../../../_ministack/reset",
        f"/_aws/execute-api/{victim.open_api}/v1/../../{victim.closed_api}/v1/",
        f"/_aws/execute-api/{victim.open_api}",
        f"/_aws/execute-api/{victim.open_api}/other/",
        f"/_aws/execute-api/{victim.open_api}/v1/@connections/x",
    ]
    for method in ("GET", "POST", "DELETE"):
        answers = [(t, victim.to_gateway(Request(method, t)).status) for t in targets]
        assert [(target, status) for target, status in answers if not 400 <= status < 500] == []
    assert MARKER in victim.names()
    assert victim.cloud.apigateway.get_rest_api(restApiId=victim.open_api)


def test_a_function_url_is_closed_even_if_it_asks_for_no_key(victim: Victim) -> None:
    functions = victim.cloud.client("lambda")
    made = functions.create_function_url_config(FunctionName=FUNCTION, AuthType="NONE")
    identity = made["FunctionUrl"].split("//")[1].split(".")[0]
    requests = [
        Request("GET", f"/_aws/lambda-url/{identity}/by-url"),
        Request("GET", "/by-url", (("Host", f"{identity}.lambda-url.us-east-1.localhost"),)),
        Request("GET", "/by-url", (("Host", f"{identity}.lambda-url.us-east-1.on.aws"),)),
    ]
    answers = [victim.to_gateway(request) for request in requests]
    assert [answer.status for answer in answers if not answer.is_refusal] == []
    assert victim.calls_of_the_function("by-url") == []


def test_the_cloud_listens_on_its_two_ports_of_this_machine_alone(victim: Victim) -> None:
    assert sorted(listening(victim.cloud.running.pid)) == sorted(
        ("127.0.0.1", port) for port in (victim.gateway, victim.balancer)
    )


def listening(pid: int) -> list[tuple[str, int]]:
    """Return the addresses on which a process listens; proc(5), /proc/net/tcp."""
    inodes = {str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir()}
    found = []
    for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]:
        fields = line.split()
        if fields[3] == "0A" and f"socket:[{fields[9]}]" in inodes:
            address, port = fields[1].split(":")
            parts = [str(part) for part in reversed(bytes.fromhex(address))]
            found.append((".".join(parts), int(port, 16)))
    wide = Path("/proc/net/tcp6")
    lines = wide.read_text(encoding="ascii").splitlines()[1:] if wide.exists() else []
    found += [
        ("::", int(fields[1].split(":")[1], 16))
        for fields in map(str.split, lines)
        if fields[3] == "0A" and f"socket:[{fields[9]}]" in inodes
    ]
    return found


@pytest.mark.parametrize("port", ["gateway", "balancer"])
def test_a_tunnel_is_not_opened(victim: Victim, port: str) -> None:
    number = getattr(victim, port)
    content = b"CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: 127.0.0.1:22\r\nConnection: close\r\n\r\n"
    assert 400 <= parsed(exchange(number, content)).status < 500
