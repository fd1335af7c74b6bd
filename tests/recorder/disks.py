"""Real disks of a test's own: a file system in a mount namespace that nobody else sees, and what befalls it."""

from __future__ import annotations

import fcntl
import os
import shutil
import struct
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import pytest
from transports.harness import until

Kind = Literal["tmpfs", "ext4"]
_BYTES = 48 << 20
_EXT4_IOC_SHUTDOWN, _WITHOUT_LOG = 0x8004587D, 2
_AS_USER = ("--user", "--map-root-user")


def _tool(name: str) -> str:
    """Path of a program; skips where there is none."""
    return shutil.which(name) or pytest.skip(f"this system has no {name}")


class Disk:
    """A disk that is mounted in `inside`, for who is run by `within`; others reach it by `outside`.

    Args:
        folder: Of the test.
        kind: tmpfs needs no rights where users may have name spaces; ext4 on a loop device needs root.
    """

    def __init__(self, folder: Path, kind: Kind) -> None:
        if not sys.platform.startswith("linux"):
            pytest.skip("mount namespaces: Linux alone")
        is_root = os.geteuid() == 0
        self.inside, plugged = folder / "disk", folder / "plugged"
        for place in (self.inside, plugged):
            place.mkdir()
        self._plugged, self._mount = str(plugged), ("mount", "-t", "tmpfs", "-o", f"size={_BYTES}", "disk")
        if kind == "ext4":
            if not is_root:
                pytest.skip("a disk that fails needs root and a loop device")
            image = folder / "disk.img"
            with image.open("wb") as file:
                file.truncate(_BYTES)
            subprocess.run([_tool("mkfs.ext4"), "-q", image], check=True)
            self._mount = ("mount", "-o", "loop,errors=remount-ro", str(image))
        namespaces = ("--mount",) if is_root else ("--mount", *_AS_USER)
        self._keeper = subprocess.Popen(
            [_tool("unshare"), *namespaces, "sh", "-c", f"{' '.join(self._mount)} {plugged} && echo ready && read _"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._keeper.stdout is not None
        if self._keeper.stdout.readline() != "ready\n":
            self.close()
            pytest.skip(f"this system lets nobody mount a {kind}")
        joined = () if is_root else ("--user", "--preserve-credentials")
        self.within: Sequence[str] = (_tool("nsenter"), "--target", str(self._keeper.pid), "--mount", *joined, "--")
        self.outside = Path(f"/proc/{self._keeper.pid}/root{plugged}")
        self._run("mount", "--bind", self._plugged, str(self.inside))

    def is_filled(self, but_bytes: int = 0) -> Path:
        """Nothing finds room any more but so much; the file that takes it."""
        path = self.outside / "filler"
        with path.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, shutil.disk_usage(self.outside).free - but_bytes)
        return path

    def fails(self) -> None:
        """Every write is refused from now on with EIO, as by a disk that was pulled out (ext4)."""
        descriptor = os.open(self.outside, os.O_RDONLY)
        fcntl.ioctl(descriptor, _EXT4_IOC_SHUTDOWN, struct.pack("I", _WITHOUT_LOG))
        os.close(descriptor)

    def turns_read_only(self) -> None:
        """The kernel finds an error in the file system and makes it read-only (ext4)."""
        device = Path(self._run("findmnt", "--noheadings", "--output", "SOURCE", self._plugged).strip())
        Path(f"/sys/fs/ext4/{device.name}/trigger_fs_error").write_text("a test", encoding="utf-8")

    def vanishes(self) -> None:
        """It is unmounted while files are open, as the desktop does with a stick that was pulled out."""
        self._run("umount", "--lazy", str(self.inside))

    def returns(self) -> None:
        """It is there again after `vanishes`."""
        self._run("mount", "--bind", self._plugged, str(self.inside))

    def is_mended(self) -> None:
        """It is unmounted, which nobody may keep from being so for long, and mounted anew (ext4)."""
        self._run("umount", str(self.inside))
        until(lambda: self._can("umount", self._plugged), "the disk to be let go of")
        self._run(*self._mount, self._plugged)
        self.returns()

    def close(self) -> None:
        """Let go of it; what is mounted goes with its name space."""
        self._keeper.communicate("\n")

    def _can(self, *words: str) -> bool:
        return subprocess.run([*self.within, *words], capture_output=True, check=False).returncode == 0

    def _run(self, *words: str) -> str:
        return subprocess.run([*self.within, *words], check=True, capture_output=True, text=True).stdout
