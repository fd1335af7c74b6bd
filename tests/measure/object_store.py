"""A real object store on loopback: OpenStack Swift with its S3 interface, as Debian packages it."""

from __future__ import annotations

import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

SYSTEM_PYTHON = Path("/usr/bin/python3")
BUCKET = "data"


@dataclass(frozen=True)
class Store:
    """A running store.

    Attributes:
        url: Of both interfaces.
        token: For Swift's own interface, through which tests write: what is tested only reads, over S3.
    """

    url: str
    token: str

    def put(self, key: str, data: bytes) -> None:
        self._request("PUT", f"{BUCKET}/{key}", data)

    def delete(self, key: str) -> None:
        self._request("DELETE", f"{BUCKET}/{key}")

    def upload(self, folder: Path, prefix: str) -> None:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                self.put(f"{prefix}/{path.relative_to(folder).as_posix()}", path.read_bytes())

    def make_bucket(self) -> None:
        self._request("PUT", BUCKET)

    def _request(self, method: str, path: str, data: bytes | None = None) -> None:
        request = urllib.request.Request(f"{self.url}/v1/AUTH_test/{path}", data, method=method)  # noqa: S310
        request.add_header("X-Auth-Token", self.token)
        with urllib.request.urlopen(request, timeout=60):  # noqa: S310  # loopback
            pass

    def environment(self) -> dict[str, str]:
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "test:tester",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }


def missing() -> str:
    """Why there is no store; empty where there is one."""
    if not SYSTEM_PYTHON.exists():
        return "no Python of the system"
    found = subprocess.run([SYSTEM_PYTHON, "-c", "import swift.obj.server"], capture_output=True, check=False)
    return "Debian's python3-swift is not installed" if found.returncode else ""


@contextmanager
def object_store(folder: Path) -> Iterator[Store]:
    """A store with an empty bucket, until it is left."""
    command = [SYSTEM_PYTHON, Path(__file__).with_name("swift_server.py"), folder]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        port = int(process.stdout.readline())
        login = urllib.request.Request(f"http://127.0.0.1:{port}/auth/v1.0")
        login.add_header("X-Auth-User", "test:tester")
        login.add_header("X-Auth-Key", "testing")
        with urllib.request.urlopen(login, timeout=60) as answer:  # noqa: S310  # loopback
            store = Store(f"http://127.0.0.1:{port}", answer.headers["X-Auth-Token"])
        store.make_bucket()
        try:
            yield store
        finally:
            process.stdin.close()
            process.wait(60)
