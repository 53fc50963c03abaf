"""What a certificate must be for the load balancer is found out before anything is made."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError
from examples_acm import certificate

from batchctl.aws.session import Aws
from batchctl.errors import BatchctlError
from batchctl.resource import Actual, Deployed, Outputs
from batchctl.resources.acm import Certificate


def read(aws: Aws, arn: str) -> Actual[Outputs]:
    wanted = Certificate(label="api", name=arn)
    return Certificate.read(aws, None, wanted.desired(Deployed(aws)))


def problem(aws: Aws, arn: str) -> tuple[str, str]:
    with pytest.raises(BatchctlError) as caught:
        read(aws, arn)
    return caught.value.message, caught.value.hint or ""


@pytest.fixture
def requested(aws: Aws) -> str:
    """The ARN of a certificate that was asked for."""
    acm = aws.connection.session.client("acm")
    return str(acm.request_certificate(DomainName="jobs.example")["CertificateArn"])


def test_an_issued_certificate_is_taken(aws: Aws, requested: str) -> None:
    found = read(aws, requested)
    assert (found.outputs.arn, found.notes) == (requested, ())


def test_a_certificate_of_another_region_is_refused_with_both_regions(aws: Aws) -> None:
    arn = "arn:aws:acm:eu-west-1:123456789012:certificate/0f7a6c1e-1111-2222-3333-444455556666"
    message, hint = problem(aws, arn)
    assert message.endswith("it is of region eu-west-1, the application is in us-east-1")
    assert "`api.certificate_arn`" in hint


def test_a_certificate_of_iam_is_of_every_region(aws: Aws) -> None:
    assert read(aws, certificate.name).notes == ()


def test_a_certificate_that_is_not_there_is_refused(aws: Aws) -> None:
    arn = "arn:aws:acm:us-east-1:123456789012:certificate/0f7a6c1e-1111-2222-3333-444455556666"
    message, hint = problem(aws, arn)
    assert message.startswith(f"could not find the certificate `{arn}`")
    assert "`api.certificate_arn`" in hint


@pytest.mark.parametrize(
    ("status", "advice"),
    [("PENDING_VALIDATION", "prove in ACM"), ("EXPIRED", "request another one")],
)
def test_a_certificate_that_is_not_issued_is_refused_with_its_status(
    aws: Aws, requested: str, monkeypatch: pytest.MonkeyPatch, status: str, advice: str
) -> None:
    def answer(**_: Any) -> dict[str, Any]:
        return {"Certificate": {"Status": status}}

    monkeypatch.setattr(aws.connection.client("acm"), "describe_certificate", answer)
    message, hint = problem(aws, requested)
    assert message == f"could not use the certificate `{requested}`: it is {status}"
    assert advice in hint


def test_without_the_permission_to_look_the_plan_says_so_and_goes_on(
    aws: Aws, requested: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**_: Any) -> None:
        error: Any = {"Error": {"Code": "AccessDeniedException", "Message": "no"}}
        raise ClientError(error, "DescribeCertificate")

    monkeypatch.setattr(aws.connection.client("acm"), "describe_certificate", refuse)
    (note,) = read(aws, requested).notes
    assert "could not check the certificate" in note
