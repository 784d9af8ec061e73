"""What may and may not be in the repository: no machine of ours, no unlocked dependency."""

import json

import pytest

from tests.house.tree import ROOT, committed, name, pyproject

LOCKED = sorted(
    [
        *(ROOT / "tools").glob("*-requirements.txt"),
        *(ROOT / "tests" / "peers").glob("*/*requirements.txt"),
        *(ROOT / "bench" / "peers").glob("*/*requirements.txt"),
    ]
)
NEVER_RUN = {"node_modules/tldjs"}
"""Have an install script, which `--ignore-scripts` leaves alone: this one would fetch a newer list of domains."""
NPM_LOCKED = [ROOT / where / "peers" / "npm" / "package-lock.json" for where in ("tests", "bench")]
# Spelled apart, so that this file does not name them.
OF_A_MACHINE = ("/" + "work/", "." + "library/", "/" + "tmp/lab", "/" + "root/")


def text(path):
    try:
        return path.read_text()
    except UnicodeDecodeError:
        return ""


def test_no_file_names_a_path_of_the_machine_it_was_written_on():
    guilty = [f"{name(path)}: {word}" for path in committed() for word in OF_A_MACHINE if word in text(path)]
    assert not guilty


def test_nothing_large_is_committed():
    large = {name(path): path.stat().st_size for path in committed() if path.stat().st_size > 1_000_000}
    assert not large


@pytest.mark.parametrize("path", LOCKED, ids=name)
def test_every_requirement_is_pinned_and_hashed(path):
    logical = path.read_text().replace("\\\n", " ")
    lines = [line for line in logical.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    loose = [line[:60] for line in lines if "==" not in line or "--hash=sha256:" not in line]
    assert lines
    assert not loose


@pytest.mark.parametrize("lockfile", NPM_LOCKED, ids=name)
def test_every_npm_package_is_locked_by_content_and_names_no_host(lockfile):
    lock = json.loads(lockfile.read_text())
    packages = {path: entry for path, entry in lock["packages"].items() if path}
    assert packages
    assert not [
        path for path, entry in packages.items() if not entry.get("integrity", "").startswith("sha512-")
    ]
    assert not [path for path, entry in packages.items() if "resolved" in entry]
    assert not [
        path
        for path, entry in packages.items()
        if entry.get("hasInstallScript") and not entry.get("optional") and path not in NEVER_RUN
    ]


def test_the_copyleft_oracle_stays_out_of_what_users_install():
    project = pyproject()["project"]
    wanted = [
        *project["dependencies"],
        *(d for extra in project["optional-dependencies"].values() for d in extra),
    ]
    assert not [d for d in wanted if d.startswith(("pymerkle", "mcp"))]
