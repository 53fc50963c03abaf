"""What never goes into an image, and what in it is named as looking like a secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from batchctl.errors import BatchctlError
from batchctl.image.context import read_context
from batchctl.image.recipe import FolderRecipe
from batchctl.image.secrets import suspicions

SECRETS = [
    *(".env", ".env.local", ".ENV", "app/.env", ".envrc", ".netrc", "_netrc", ".git-credentials"),
    *("server.pem", "certs/server.key", "store.p12", "store.pfx", "store.jks", "SERVER.PEM"),
    *("id_rsa", "id_ed25519", "id_ecdsa_sk", "id_dsa", "id_rsa.old", "id_ed25519-work", "id_work"),
    *("credentials.json", "client_secret_1.json", "service-account.json", "service_account_x.json"),
    *(".npmrc", ".pypirc", ".dockercfg", ".docker/config.json", "terraform.tfstate"),
    *("terraform.tfstate.backup", ".pgpass", ".env-prod", ".env_prod", ".vault-token", ".my.cnf"),
    # What editors and people leave of them.
    *(".env~", "#.env#", ".#.env", ".env.swp", ".netrc.swo", ".netrc~", ".envrc.bak", ".npmrc.old"),
    *("server.pem.bak", "app/server.key~", ".server.pem.swp", "credentials.json.orig"),
    *(".git-credentials~", ".docker/config.json.bak"),
]
SECRETS_IN_FOLDERS = {
    ".aws/credentials": ".aws",
    ".ssh/known_hosts": ".ssh",
    "home/.aws/cli/cache/x.json": "home/.aws",
    ".kube/config": ".kube",
}
CLUTTER = [
    *(".git/config", ".git", "sub/.git/HEAD", ".venv/bin/python", ".batchctl/app.state.json"),
    *("__pycache__/compute.cpython-313.pyc", ".DS_Store", "data/.DS_Store", ".hg/store"),
    *("._compute.py", ".nfs000000000123abc", ".compute.py.swp", ".#compute.py", ".idea/a.xml"),
    *(".Trashes/501/a", ".fuse_hidden0001", ".vscode/settings.json"),
]
INNOCENT = [
    *("id_map.py", "id_list.csv", "id_rsa.pub", "identity.py", "id_rsa_keys.py", "my_id_rsa.txt"),
    *("environment.yml", "env", "keys.py", "monkey", "pem.py", ".docker/nginx.conf"),
    *("id_list.bak", "id_map.svg", "notes.txt~", "compute.py.swp", "data.tmp", "#readme#"),
    *("docs/credentials.json.md", "gitignore", "tokenizer.json", "state.json", ".gitignore"),
]


def put(folder: Path, name: str, text: str = "x") -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.mark.parametrize("ignore", [None, "!**", "nothing\n!.env\n!**/*"])
def test_secrets_stay_out_whatever_an_ignore_file_takes_back_in(
    folder: Path, ignore: str | None
) -> None:
    for name in (*SECRETS, *SECRETS_IN_FOLDERS):
        put(folder, name)
    if ignore is not None:
        put(folder, ".dockerignore", ignore)
    context = read_context(folder)
    assert list(context.files) == ["Dockerfile", "compute.py"]
    assert set(context.kept_out) == {*SECRETS, *SECRETS_IN_FOLDERS.values()}


@pytest.mark.parametrize("name", CLUTTER)
def test_tools_own_files_stay_out_without_a_word(folder: Path, name: str) -> None:
    put(folder, name)
    put(folder, ".dockerignore", "!**")
    context = read_context(folder)
    assert list(context.files) == ["Dockerfile", "compute.py"]
    assert context.kept_out == ()


def test_a_virtual_environment_stays_out_whatever_its_name(folder: Path) -> None:
    put(folder, "my-env/pyvenv.cfg")
    put(folder, "my-env/lib/python3.13/site-packages/numpy/__init__.py")
    assert list(read_context(folder).files) == ["Dockerfile", "compute.py"]


@pytest.mark.parametrize("name", INNOCENT)
def test_what_is_called_much_the_same_goes_in(folder: Path, name: str) -> None:
    put(folder, name)
    assert name in read_context(folder).files


def test_a_folder_with_the_name_of_a_file_of_secrets_goes_in(folder: Path) -> None:
    put(folder, "id_features/model.bin")
    assert "id_features/model.bin" in read_context(folder).files


def test_a_link_is_known_by_its_own_name(folder: Path) -> None:
    (folder / ".env").symlink_to("compute.py")
    (folder / ".aws").symlink_to("/root/.aws")
    assert read_context(folder).kept_out == (".aws", ".env")


def test_what_an_ignore_file_keeps_out_is_not_named(folder: Path) -> None:
    put(folder, ".env")
    put(folder, "certs/ca.pem")
    put(folder, ".dockerignore", ".env\ncerts\n")
    assert read_context(folder).kept_out == ()


@pytest.mark.parametrize(
    ("named", "inside"),
    [
        (".env", {".env"}),
        ("certs/ca.pem", {"certs/ca.pem"}),
        (".aws/config", {".aws/config"}),
        (".aws", {".aws/config", ".aws/credentials"}),
        ("certs", {"certs/ca.pem", "certs/server.key"}),
        (".git/HEAD", {".git/HEAD"}),
    ],
)
def test_what_config_names_goes_in_and_nothing_beside_it(
    folder: Path, named: str, inside: set[str]
) -> None:
    names = (".aws/config", ".aws/credentials", ".env", ".env.local", ".git/HEAD", ".git/index")
    for name in (*names, "certs/ca.pem", "certs/server.key"):
        put(folder, name)
    context = read_context(folder, [named])
    assert set(context.files) - {"Dockerfile", "compute.py"} == inside
    assert inside.isdisjoint(context.kept_out)


@pytest.mark.parametrize(("named", "ignore"), [(".envv", ""), (".env", ".env\n")])
def test_a_named_file_that_is_not_in_the_context_is_an_error(
    folder: Path, named: str, ignore: str
) -> None:
    put(folder, ".env")
    put(folder, ".dockerignore", ignore)
    with pytest.raises(BatchctlError, match=f"`compute.include_files` names `{named}`"):
        read_context(folder, [named])


AWS_KEY = "AKIA" + "IOSFODNN7EXAMPLE"
AWS_SECRET = "wJalrXUtnFEMI/K7MDENG/" + "bPxRfiCYEXAMPLEKEY"
HOLDS = {
    "a private key": "-----BEGIN " + "RSA PRIVATE KEY-----\nMIIE\n",
    "an AWS access key": f"key: {AWS_KEY}\nsecret: {AWS_SECRET}\n",
    "an AWS secret key": f'aws_secret_access_key = "{AWS_SECRET}"\n',
    "a password in an address": "url = postgresql://risk:correct-horse@db.example/x\n",
    "a GitHub token": "token: ghp_" + "a1B2" * 9 + "\n",
}
HARMLESS = [
    "-----BEGIN PUBLIC KEY-----\nMIIB\n-----BEGIN CERTIFICATE-----\n",
    f"aws_access_key_id = {AWS_KEY}\n",
    f"{AWS_KEY}\nsha1: {'0' * 39}\n",
    "aws_secret_access_key = os.environ['AWS_SECRET_ACCESS_KEY']\n",
    "postgresql://{user}:{password}@db.example/x and https://example.com:8443/@me\n",
]


@pytest.mark.parametrize(("why", "text"), HOLDS.items(), ids=HOLDS)
def test_a_file_that_holds_a_secret_is_named_with_why_and_without_what_it_holds(
    folder: Path, why: str, text: str
) -> None:
    put(folder, "settings.py", f"# ours\n{text}")
    secrets = FolderRecipe(folder, "linux/amd64").secrets
    assert dict(secrets.inside) == {"settings.py": why}
    assert AWS_SECRET not in repr(secrets)


@pytest.mark.parametrize("text", HARMLESS)
def test_a_file_without_a_secret_is_not_named(folder: Path, text: str) -> None:
    put(folder, "settings.py", text)
    assert FolderRecipe(folder, "linux/amd64").secrets.inside == {}


def test_a_file_is_named_for_its_name(tmp_path: Path) -> None:
    names = ["secrets.yaml", "config/password.txt", "credentials", ".secret", "api_keys.json"]
    names += [
        "prod.env",
        "terraform.tfvars",
        "kubeconfig",
        "gcloud/access_tokens.db",
        ".bash_history",
    ]
    innocent = ["secrets.py", "tokenizer.json", "secretary.txt", "tokens/a.txt"]
    for name in (*names, *innocent):
        put(tmp_path, name)
    found = suspicions((name, tmp_path / name) for name in (*names, *innocent))
    assert found == dict.fromkeys(names, "its name")


def test_what_config_names_is_not_warned_of(folder: Path) -> None:
    put(folder, "secrets.yaml")
    put(folder, "keys/one.pem", HOLDS["a private key"])
    recipe = FolderRecipe(folder, "linux/amd64", include_files=("secrets.yaml", "keys"))
    assert recipe.secrets.inside == {}
    assert recipe.secrets.kept_out == ()
