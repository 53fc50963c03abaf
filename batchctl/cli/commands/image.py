"""The commands for the deployed image: sbom."""

from __future__ import annotations

import click

from batchctl.cli.lazy import LazyGroup
from batchctl.cli.opening import open_to_compare
from batchctl.cli.options import shared_options
from batchctl.cli.output import print_json


@click.group(cls=LazyGroup)
@shared_options
def image() -> None:
    """Inspect the image that tasks run in.

    \b
    Example:
      batchctl image sbom > sbom.json
    """


@image.command()
@shared_options
def sbom() -> None:
    """Print the bill of materials of the deployed image: its base and packages, as CycloneDX.

    Every package is listed with the version and licence that it has in the image itself.

    \b
    Examples:
      batchctl image sbom > sbom.json
      batchctl --local image sbom
    """
    print_json(open_to_compare().bill_of_image())
