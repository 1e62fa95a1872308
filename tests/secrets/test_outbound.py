"""Hosts named in the browser lead to the world and not into the house."""

import socket

import pytest

from core import outbound
from core.errors import Blocked
from core.testing.serving import free_port

INSIDE = [
    "127.0.0.1", "127.8.8.8", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "192.0.0.9", "100.64.0.1",
    "0.0.0.0", "224.0.0.1", "::1", "::", "fe80::1", "fd00::1", "ff02::1", "::ffff:10.0.0.1", "2002:a00:1::",
    "64:ff9b::a00:1", "fe80::1%eth0",
]  # fmt: skip


@pytest.mark.parametrize("address", INSIDE)
def test_address_of_the_inside_is_refused(address):
    with pytest.raises(Blocked, match="PEYVAND_PRIVATE_HOSTS"):
        outbound.refuse("mail.example.com", address)


@pytest.mark.parametrize("address", ["1.1.1.1", "2606:4700::1111", "::ffff:1.1.1.1"])
def test_address_of_the_world_is_not(address):
    outbound.refuse("mail.example.com", address)


def test_names_and_networks_of_ones_own_are_allowed():
    outbound.refuse("mail.office.lan", "10.1.2.3", ("mail.office.lan",))
    outbound.refuse("mail.office.lan", "10.1.2.3", ("10.0.0.0/8",))
    with pytest.raises(Blocked):
        outbound.refuse("other.office.lan", "10.1.2.3", ("mail.office.lan", "192.168.0.0/16", "not a network"))


def test_name_that_leads_inside_is_refused_before_anything_is_sent():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        server.settimeout(0.2)
        with pytest.raises(Blocked):
            outbound.connect("localhost", port, 1)
        with pytest.raises(TimeoutError):
            server.accept()
        server.settimeout(5)
        outbound.connect("localhost", port, 1, ("localhost",)).close()
        server.accept()[0].close()


def test_port_on_which_nobody_listens_is_an_error_of_the_system():
    with pytest.raises(OSError, match="refused"):
        outbound.connect("127.0.0.1", free_port(), 1, ("127.0.0.1",))
