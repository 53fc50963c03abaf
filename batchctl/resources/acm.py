"""ACM: the certificate of the load balancer, looked up, never made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from botocore.exceptions import ClientError

from batchctl.aws.arns import require_region
from batchctl.aws.errors import code_of, explain
from batchctl.aws.session import Aws
from batchctl.errors import BatchctlError
from batchctl.resource import Actual, Deployed, Group, Outputs, Properties, Resource
from batchctl.resource.grants import Grant

_SETTING = "api.certificate_arn"
# ACM user guide, "DNS validation" and "Email validation": until then nothing can use it.
_PENDING = "PENDING_VALIDATION"
_ISSUED = "ISSUED"


@dataclass(frozen=True, kw_only=True)
class Certificate(Resource[Outputs]):
    """A certificate of the user's, of ACM or IAM, that a listener of this region can use.

    Its id and its ARN are `name`. What keeps a listener from using it is an error of the plan, not
    of the listener, for which everything else has been made by then.
    """

    kind: ClassVar[str] = "certificate"
    group: ClassVar[Group | None] = Group.FRONT_DOOR
    identity: ClassVar[tuple[str, ...]] = ()
    taggable: ClassVar[bool] = False
    lookup: ClassVar[bool] = True
    grants: ClassVar[tuple[Grant, ...]] = (
        Grant("read up", "acm", "DescribeCertificate", ("certificate/*",)),
    )

    def desired(self, deployed: Deployed) -> Properties:
        """Return its ARN, for `read` to look it up."""
        del deployed
        return {"CertificateArn": self.name}

    @classmethod
    def read(cls, aws: Aws, recorded: Outputs | None, desired: Properties) -> Actual[Outputs]:
        """Look it up; BatchctlError when it is of another region, missing, or not issued.

        Credentials that may not read it get a note that says so: the listener works without.
        """
        del recorded
        arn = str(desired["CertificateArn"])
        require_region(arn, aws.region, _SETTING)
        notes = _checked(aws, arn) if ":acm:" in arn and not aws.is_local else ()
        return Actual(Outputs(id=arn, arn=arn), desired, notes=notes)

    def create(self, aws: Aws, desired: Properties) -> Outputs:
        """Return what is looked up: a certificate is never made."""
        return self.read(aws, None, desired).outputs

    def update(
        self, aws: Aws, actual: Actual[Outputs], desired: Properties, changed: Properties
    ) -> Outputs:
        """Return what was looked up: a certificate is never changed."""
        del aws, desired, changed
        return actual.outputs

    @classmethod
    def delete(cls, aws: Aws, recorded: Outputs) -> None:
        """Leave it: a certificate is never deleted."""


def _checked(aws: Aws, arn: str) -> tuple[str, ...]:
    """Return what to know of the certificate; BatchctlError when it can't be used."""
    try:
        status = aws.acm.describe_certificate(CertificateArn=arn)["Certificate"]["Status"]
    except ClientError as error:
        if code_of(error) == "AccessDeniedException":
            return (f"could not check the certificate `{arn}`: {explain(error)[0]}",)
        if code_of(error) == "ResourceNotFoundException":
            raise BatchctlError(
                f"could not find the certificate `{arn}`: {explain(error)[0]}",
                hint=f"correct `{_SETTING}` in config.yaml",
            ) from error
        raise
    if status != _ISSUED:
        raise _unusable(arn, status)
    return ()


def _unusable(arn: str, status: str) -> BatchctlError:
    hint = f"request another one, and name it in `{_SETTING}` of config.yaml"
    if status == _PENDING:
        hint = "prove in ACM that the domain is yours (a DNS record, or an email), then run again"
    return BatchctlError(f"could not use the certificate `{arn}`: it is {status}", hint=hint)
