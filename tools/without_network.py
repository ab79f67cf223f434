"""Runs a command where there is no way out: a network namespace whose only interface is loopback.

python tools/without_network.py COMMAND …

Linux only, as root or where users may make namespaces. Elsewhere it says so and runs the command as it is; the command
finds out by VIVA_TEST_NO_NETWORK, which is set to 1 inside.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct
import sys
from pathlib import Path

CLONE_NEWUSER, CLONE_NEWNET = 0x1000_0000, 0x4000_0000
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1


def enter() -> None:
    """Move this process into a namespace of its own. Raises `OSError` where that is not allowed."""
    libc = ctypes.CDLL(None, use_errno=True)
    user, group = os.getuid(), os.getgid()
    if libc.unshare(CLONE_NEWNET) != 0:
        # Not root: a user namespace gives the right to make others, and keeps our own ids.
        if libc.unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
    raise_loopback()


def raise_loopback() -> None:
    """A new namespace has its loopback down."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        flags = struct.unpack("16sh", fcntl.ioctl(any_socket, SIOCGIFFLAGS, struct.pack("16sh", b"lo", 0)))[1]
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh", b"lo", flags | IFF_UP))


def main() -> None:
    try:
        enter()
        os.environ["VIVA_TEST_NO_NETWORK"] = "1"
    except (OSError, AttributeError) as error:
        sys.stderr.write(f"No network namespace here ({error}): running with the network as it is.\n")
    os.execvp(sys.argv[1], sys.argv[1:])


if __name__ == "__main__":
    main()
