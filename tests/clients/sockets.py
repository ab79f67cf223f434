"""A witness of every socket: a program run under strace, and what it tried to reach."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

STRACE = shutil.which("strace")
CALLS = "connect,bind,sendto,sendmsg,sendmmsg"
_CALL = re.compile(r"(connect|bind|sendto|sendmsg|sendmmsg)\(.*?sa_family=(AF_\w+)(.*)")
_ADDRESS = re.compile(r'inet_addr\("([\d.]+)"\)|inet_pton\(AF_INET6, "([^"]+)"')
LOCAL_FAMILIES = ("AF_UNIX", "AF_LOCAL", "AF_NETLINK", "AF_UNSPEC")
"""Families that cannot leave the machine: pipes by name, the kernel's own talk, and the undoing of a connect."""


@dataclass(frozen=True)
class Reach:
    """One call that names where it goes."""

    call: str
    family: str
    address: str

    @property
    def leaves_the_machine(self) -> bool:
        if self.family in LOCAL_FAMILIES:
            return False
        return not self.address or not ip_address(self.address).is_loopback


def traced(command: list[str], log: Path) -> list[str]:
    """`command` under strace, children included; only the calls that matter are stopped, and signals go to it."""
    if STRACE is None:
        raise LookupError("no strace")
    return [STRACE, "-D", "-f", "--seccomp-bpf", "-qq", "-s", "0", "-e", f"trace={CALLS}", "-o", str(log), *command]


def reached(log: Path) -> Iterator[Reach]:
    """Every call in `log` that carries an address."""
    for line in log.read_text(errors="replace").splitlines():
        if found := _CALL.search(line):
            address = _ADDRESS.search(found[3])
            yield Reach(found[1], found[2], (address[1] or address[2]) if address else "")
