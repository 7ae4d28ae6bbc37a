"""The wheel holds all that the server needs: installed outside the tree, it starts and serves."""

import os
import signal
import subprocess
import sys
import sysconfig
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from tests.ports import reserve_address

ROOT = Path(__file__).parents[2]
START_S, STOP_S = 30, 15


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the tree."""
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(out)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (built,) = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment that has the wheel. It borrows our dependencies, but not our tree."""
    home = tmp_path_factory.mktemp("venv")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(home)], check=True)
    interpreter = home / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(interpreter), "--quiet", "install", "--no-deps", "--no-index"]
    subprocess.run([*pip, str(wheel)], check=True)
    (site,) = home.glob("lib/python*/site-packages")
    (site / "borrowed.pth").write_text(sysconfig.get_path("purelib"))
    return interpreter


@contextmanager
def serving(python: Path, folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """`chat serve` of the wheel, started in an unrelated folder, and its URL."""
    addresses = {name: reserve_address() for name in ("HTTP", "GRPC", "ADMIN")}
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("CHAT_", "PYTHON"))}
    environment = inherited | {f"CHAT_{name}": address for name, address in addresses.items()}
    with subprocess.Popen([python.with_name("chat"), "serve"], cwd=folder, env=environment) as process:
        try:
            wait_until_healthy(process, f"http://{addresses['HTTP']}")
            yield process, f"http://{addresses['HTTP']}"
        finally:
            process.kill()


def wait_until_healthy(process: subprocess.Popen[bytes], url: str) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        assert process.poll() is None, f"chat serve ended with {process.returncode}"
        try:
            if httpx2.get(f"{url}/health", timeout=1).status_code == 200:
                return
        except httpx2.TransportError:
            time.sleep(0.05)  # Nothing tells of a listener in another process.
    raise TimeoutError(f"chat serve was not healthy within {START_S} s")


def test_the_wheel_holds_everything_but_tests(wheel: Path) -> None:
    """Pages, contracts and migrations are inside; what only the tree needs is not."""
    names = zipfile.ZipFile(wheel).namelist()
    migrations = [str(p.relative_to(ROOT)) for p in ROOT.glob("services/*/migrations/**/*.py")]
    assert migrations
    data = [str(p.relative_to(ROOT)) for p in ROOT.glob("services/user/*/**/*.*") if p.suffix in (".txt", ".html")]
    assert len(data) > 10
    assert {"chat/descriptor.binpb", "web/demo/index.html", "web/docs/index.html", *migrations, *data} <= set(names)
    tops = {name.split("/")[0] for name in names if ".dist-info" not in name}
    assert tops == {"buf", "chat", "cli", "facade", "mesh", "services", "web"}


def test_the_environment_does_not_see_the_tree(python: Path, tmp_path: Path) -> None:
    """Every package of ours is imported from the installed wheel."""
    program = "import chat, cli, facade, mesh, services\nprint(chat, cli, facade, mesh, services)"
    command = [str(python), "-c", program]
    shown = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True).stdout
    assert shown.count(str(python.parents[1])) == 5
    assert str(ROOT) not in shown


def test_the_installed_server_starts_serves_and_ends(python: Path, tmp_path: Path) -> None:
    """Pages, schema, keys and seeded users come out of the wheel alone, and SIGTERM ends it with exit code 0."""
    with serving(python, tmp_path) as (process, url):
        for path in ("/demo", "/docs", "/api/openapi.json"):
            answer = httpx2.get(f"{url}{path}", follow_redirects=True)
            assert (path, answer.status_code) == (path, 200)
        seed = httpx2.get(f"{url}/dev/seed").json()
        credentials = {"username": "alice", "password": seed["password"]}
        answer = httpx2.post(f"{url}/api/users/login", json=credentials)
        assert answer.status_code == 200, answer.text
        assert answer.json()["user"]["username"] == "alice"
        process.send_signal(signal.SIGTERM)
        assert process.wait(STOP_S) == 0
