"""`make breaking` sees a contract that breaks its users, and knows what to compare with."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorSet

ROOT = Path(__file__).parents[2]
IMAGE = Path("gen", "chat", "descriptor.binpb")


class Clone:
    """A git repository with the contracts and the tool."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for name in (Path("tools", "breaking.py"), Path("buf.yaml"), IMAGE):
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, root / name)
        self.git("init", "--quiet")
        self.commit()

    def git(self, *arguments: str) -> None:
        who = ["-c", "user.name=test", "-c", "user.email=test@example.com"]
        subprocess.run(["git", *who, *arguments], cwd=self.root, check=True, capture_output=True)

    def commit(self) -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message=a change")

    def drop_a_field(self) -> None:
        image = FileDescriptorSet.FromString((self.root / IMAGE).read_bytes())
        users = next(file for file in image.file if file.name == "chat/user/v1/user.proto")
        user = next(message for message in users.message_type if message.name == "User")
        user.field.remove(next(field for field in user.field if field.name == "created_at"))
        (self.root / IMAGE).write_bytes(image.SerializeToString())

    def check(self) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "tools/breaking.py"]
        return subprocess.run(command, cwd=self.root, check=False, capture_output=True, text=True)


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Clone:
    monkeypatch.delenv("CHAT_BREAKING_BASE", raising=False)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    return Clone(tmp_path)


def test_the_first_contracts_break_nobody(clone: Clone) -> None:
    """Without an earlier image the check says so and passes."""
    done = clone.check()
    assert (done.returncode, done.stdout) == (0, "No earlier contracts to compare with.\n")


def test_a_dropped_field_is_refused(clone: Clone) -> None:
    """A field that is gone since the commit before fails the check, with its name."""
    clone.drop_a_field()
    clone.commit()
    done = clone.check()
    assert done.returncode != 0
    assert "created_at" in done.stdout + done.stderr


def test_the_last_landing_counts_not_the_last_commit(clone: Clone) -> None:
    """A break does not pass by being followed by another commit."""
    clone.git("tag", "v0.1.0")
    clone.drop_a_field()
    clone.commit()
    clone.commit()
    assert "Contracts compared with v0.1.0: see above." in clone.check().stdout


def test_the_base_can_be_named(clone: Clone, monkeypatch: pytest.MonkeyPatch) -> None:
    """CHAT_BREAKING_BASE wins over every other base."""
    clone.drop_a_field()
    clone.commit()
    monkeypatch.setenv("CHAT_BREAKING_BASE", "HEAD")
    assert clone.check().returncode == 0
