"""Who gets to an API with IAM and who doesn't, as tried on the local cloud.

docs/api.md has the table of it, and must have what is tried here:

    WRITE_DOCS=1 .venv/bin/pytest tests/e2e/test_who_is_let_in.py
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from application import BATCHCTL, REGION, Application
from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from callers import STRANGER, Scene, Signing, allow, deny, refused_by, told
from doors import Door

from batchctl.local.control.record import ACCESS_KEY_ID

pytestmark = pytest.mark.e2e

INVOKE = "execute-api:Invoke"
DOCS = Path(__file__).parents[2] / "docs" / "api.md"
TABLE_HEAD = "| who tries | answer |\n|---|---|\n"


@pytest.fixture(scope="module")
def scene(application: Application) -> Scene:
    """The application behind a REST API with IAM, and another API beside it."""
    door = Door.open(application, "restapi", "iam")
    status = json.loads(application.local("status", "--json").stdout)
    other = application.client("apigateway")
    api_id = other.create_rest_api(name="other")["id"]
    root = other.get_resources(restApiId=api_id)["items"][0]["id"]
    method = {"restApiId": api_id, "resourceId": root, "httpMethod": "PUT"}
    other.put_method(**method, authorizationType="AWS_IAM")
    other.put_integration(**method, type="MOCK", requestTemplates={"a/b": '{"statusCode": 200}'})
    other.create_deployment(restApiId=api_id, stageName="api")
    address = f"{door.endpoint.rpartition('/_aws')[0]}/_aws/execute-api/{api_id}/api/"
    return Scene(application, door, status["execute_role"], address)


def invoker(scene: Scene) -> Credentials:
    """A user of the account who may call the API, and nothing else."""
    return scene.user(allow(INVOKE, scene.api_arn))


def assumer(scene: Scene) -> Credentials:
    """A user of the account who may assume the API's role, and nothing else."""
    return scene.user(allow("sts:AssumeRole", scene.role_arn))


def other_body(request: AWSRequest) -> None:
    assert request.data
    request.data = request.data.replace(b'"A"', b'"B"')


def other_path(request: AWSRequest) -> None:
    request.url = f"{request.url}/"


def no_token(request: AWSRequest) -> None:
    del request.headers["X-Amz-Security-Token"]


def switched_off(scene: Scene) -> Credentials:
    credentials = invoker(scene)
    iam = scene.client("iam", scene.root)
    name = iam.get_access_key_last_used(AccessKeyId=credentials.access_key)["UserName"]
    iam.update_access_key(UserName=name, AccessKeyId=credentials.access_key, Status="Inactive")
    return credentials


Try = Callable[[Scene], str]
SIGNED: Mapping[str, tuple[Callable[[Scene], Signing | None], str]] = {
    "nobody: no signature": (lambda _: None, "403"),
    "the account's root": (lambda scene: Signing(scene.root), "202"),
    "a user of the account who may `execute-api:Invoke` this API": (
        lambda scene: Signing(invoker(scene)),
        "202",
    ),
    "a user who may `execute-api:Invoke` other APIs only": (
        lambda scene: Signing(
            scene.user(allow(INVOKE, f"arn:aws:execute-api:{REGION}:{ACCESS_KEY_ID}:0000000000/*"))
        ),
        "403",
    ),
    "a user of the account without permissions": (lambda scene: Signing(scene.user()), "403"),
    "a user who may, but is denied it elsewhere": (
        lambda scene: Signing(scene.user(allow(INVOKE, "*"), deny(INVOKE, scene.api_arn))),
        "403",
    ),
    "the API's role, assumed by a user who may `sts:AssumeRole` it": (
        lambda scene: Signing(scene.session(assumer(scene))),
        "202",
    ),
    "the same without its session token": (
        lambda scene: Signing(scene.session(assumer(scene)), then=no_token),
        "403",
    ),
    "a wrong secret": (
        lambda scene: Signing(Credentials(invoker(scene).access_key, "guessed")),
        "403",
    ),
    "root with a wrong secret": (
        lambda _: Signing(Credentials(ACCESS_KEY_ID, "guessed")),
        "403",
    ),
    "an access key that nobody has": (
        lambda _: Signing(Credentials("AKIAIOSFODNN7EXAMPLE", "secret")),
        "403",
    ),
    "an access key that was switched off": (lambda scene: Signing(switched_off(scene)), "403"),
    "a body that was changed after signing": (
        lambda scene: Signing(invoker(scene), then=other_body),
        "403",
    ),
    "a path that was changed after signing": (
        lambda scene: Signing(invoker(scene), then=other_path),
        "403",
    ),
    "a signature 10 minutes old": (lambda scene: Signing(invoker(scene), late_s=600), "403"),
    "a signature 10 minutes ahead": (lambda scene: Signing(invoker(scene), late_s=-600), "403"),
    "a signature for another region": (
        lambda scene: Signing(scene.user(allow(INVOKE, "*")), region="eu-west-1"),
        "403",
    ),
    "a signature for another service": (
        lambda scene: Signing(scene.user(allow(INVOKE, "*")), service="s3"),
        "403",
    ),
    "a user of another account who may `execute-api:Invoke` everything": (
        lambda scene: Signing(scene.user(allow(INVOKE, "*"), account=STRANGER)),
        "403",
    ),
    "the root of another account": (
        lambda scene: Signing(Credentials(STRANGER, scene.root.secret_key)),
        "403",
    ),
}
AROUND: Mapping[str, tuple[Try, str]] = {
    "a user who may, listing jobs, signed in the query": (
        lambda scene: told(
            scene.call(
                "GET",
                f"{scene.door.endpoint}/v1/tasks",
                b"",
                Signing(invoker(scene), signer=SigV4QueryAuth),
            )
        ),
        "200",
    ),
    "the API's role, calling another API": (
        lambda scene: told(
            scene.call("PUT", scene.other_api, b"", Signing(scene.session(assumer(scene))))
        ),
        "403 AccessDeniedException",
    ),
    "the API's role, listing queues": (
        lambda scene: refused_by(scene.client("sqs", scene.session(assumer(scene))).list_queues),
        "AccessDenied",
    ),
    "a user without `sts:AssumeRole`, assuming the API's role": (
        lambda scene: refused_by(lambda: scene.session(scene.user())),
        "AccessDenied",
    ),
    "a user of another account with `sts:AssumeRole`, assuming the API's role": (
        lambda scene: refused_by(
            lambda: scene.session(scene.user(allow("sts:AssumeRole", "*"), account=STRANGER))
        ),
        "AccessDenied",
    ),
}
ROWS: dict[str, str] = {}


@pytest.mark.parametrize("who", SIGNED)
def test_who_submits_a_job_is_let_in_or_reaches_no_function(scene: Scene, who: str) -> None:
    signing, expected = SIGNED[who]
    ROWS[who] = scene.submits(signing(scene))
    assert ROWS[who].split()[0] == expected
    assert scene.exists(scene.jobs[-1]) == (expected == "202")


@pytest.mark.parametrize("who", AROUND)
def test_nothing_but_the_api_is_open_and_to_the_account_alone(scene: Scene, who: str) -> None:
    attempt, expected = AROUND[who]
    ROWS[who] = attempt(scene)
    assert ROWS[who] == expected


@pytest.mark.parametrize("path", ["/", "/v1/tasks", "/v1/tasks/none", "/v2", "/v1/new-task"])
def test_without_a_signature_every_path_is_refused(scene: Scene, path: str) -> None:
    assert scene.call("GET", scene.door.endpoint + path, b"", None).status == 403


def test_the_apis_other_addresses_are_checked_alike(scene: Scene) -> None:
    origin, _, rest = scene.door.endpoint.partition("/_aws/execute-api/")
    api_id, _, stage = rest.partition("/")
    address = f"{origin}/restapis/{api_id}/{stage}/_user_request_/v1/tasks"
    user = scene.user(allow(INVOKE, "*"))
    assert scene.call("GET", address, b"", Signing(user)).status == 200
    assert scene.call("GET", address, b"", Signing(user, region="eu-west-1")).status == 403
    assert scene.call("GET", address, b"", None).status == 403


def elsewhere(scene: Scene, folder: Path, user: Credentials) -> Callable[..., tuple[int, str]]:
    """The command line of a colleague: the same state, another folder, credentials of their own."""
    name = "batchapp.state.json"
    (folder / ".batchctl").mkdir()
    state = scene.application.folder / ".batchctl" / "local" / name
    shutil.copy(state, folder / ".batchctl" / name)
    (folder / "config.yaml").write_text("region: us-east-1\n", encoding="utf-8")
    environment = {
        **scene.application.environment,
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{scene.application.gateway_port}",
        "AWS_ACCESS_KEY_ID": user.access_key,
        "AWS_SECRET_ACCESS_KEY": user.secret_key,
    }

    def run(*arguments: str) -> tuple[int, str]:
        done = subprocess.run(
            [*BATCHCTL, *arguments],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        return done.returncode, done.stdout + done.stderr

    return run


def test_a_colleague_who_may_assume_the_role_uses_the_job_commands_by_it(
    scene: Scene, tmp_path: Path
) -> None:
    user = assumer(scene)
    batchctl = elsewhere(scene, tmp_path, user)
    code, text = batchctl("jobs")
    assert code == 1
    assert f"could not call `GET /v1/tasks?limit=20` as `arn:aws:iam::{ACCESS_KEY_ID}" in text
    assert "not authorized to perform: execute-api:Invoke" in text
    assert batchctl("jobs", "--assume-api-role")[0] == 0
    code, text = batchctl("curl", "/v1/tasks?limit=1", "--assume-api-role", "--fail")
    assert (code, list(json.loads(text))) == (0, ["jobs", "next"])


def test_a_colleague_without_permission_is_told_what_is_missing(
    scene: Scene, tmp_path: Path
) -> None:
    code, text = elsewhere(scene, tmp_path, scene.user())("jobs", "--assume-api-role")
    assert code == 1
    assert f"could not assume the role `{scene.role_arn}`: " in text
    assert "sts:AssumeRole" in text


def test_zz_the_table_in_the_docs_is_what_was_tried(scene: Scene) -> None:
    if len(ROWS) < len(SIGNED) + len(AROUND):
        pytest.skip("only a part of it was tried")
    before, _, rest = DOCS.read_text(encoding="utf-8").partition(TABLE_HEAD)
    in_docs, _, after = rest.partition("\n\n")
    if os.environ.get("WRITE_DOCS"):
        in_docs = "\n".join(table())
        DOCS.write_text(f"{before}{TABLE_HEAD}{in_docs}\n\n{after}", encoding="utf-8")
    assert in_docs.splitlines() == table()


def table() -> list[str]:
    """The rows of the table, as Markdown."""
    return [f"| {who} | {answer} |" for who, answer in ROWS.items()]
