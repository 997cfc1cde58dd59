"""Which addresses an agent may be led to."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tameflare.core.addresses import AddressClass, AddressGuard, classify
from tameflare.core.errors import InvalidValue

TABLE = {
    AddressClass.PUBLIC: ["1.1.1.1", "140.82.112.3", "172.15.255.255", "172.32.0.1", "100.63.255.255", "100.128.0.1",
                          "2606:4700::1111", "2a00:1450:4001::1", "64:ff9b::8c52:7003", "::ffff:140.82.112.3",
                          "2002:8c52:7003::1"],
    AddressClass.LOOPBACK: ["127.0.0.1", "127.255.255.254", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1",
                            "2002:7f00:1::", "::127.0.0.1"],
    AddressClass.PRIVATE: ["10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "0.1.2.3", "fc00::1",
                           "fd12:3456::1", "fec0::1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "64:ff9b:1::a00:1"],
    AddressClass.LINK_LOCAL: ["169.254.0.1", "fe80::1", "::ffff:169.254.1.1"],
    AddressClass.METADATA: ["169.254.169.254", "169.254.170.2", "100.100.100.200", "168.63.129.16", "192.0.0.192",
                            "fd00:ec2::254", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1"],
    AddressClass.CGNAT: ["100.64.0.1", "100.127.255.255", "::ffff:100.64.0.1"],
    AddressClass.MULTICAST: ["224.0.0.1", "239.255.255.255", "ff02::1"],
    AddressClass.UNSPECIFIED: ["0.0.0.0", "::", "::ffff:0.0.0.0"],
    AddressClass.RESERVED: ["192.0.2.1", "198.18.0.1", "198.51.100.7", "203.0.113.9", "240.0.0.1", "255.255.255.255",
                            "192.88.99.1", "2001:db8::1", "100::1", "::8.8.8.8", "3fff::1", "5f00::1",
                            "64:ff9b:1::8c52:7003", "2001:0:1234::f7f7:f7f7"],
}  # fmt: skip


@pytest.mark.parametrize(("expected", "text"), [(kind, text) for kind, texts in TABLE.items() for text in texts])
def test_class_of_an_address(expected: AddressClass, text: str) -> None:
    assert classify(ip_address(text)) is expected


def test_every_class_has_an_example() -> None:
    assert set(TABLE) == set(AddressClass)


v4 = st.ip_addresses(v=4)


@given(v4)
def test_an_embedded_address_is_never_milder_than_the_plain_one(address: IPv4Address) -> None:
    plain = classify(address)
    for form in (f"::ffff:{address}", f"64:ff9b::{address}", f"64:ff9b:1::{address}"):
        inside = classify(ip_address(form))
        assert inside is plain or (plain is AddressClass.PUBLIC and inside is AddressClass.RESERVED)


@given(v4)
def test_a_public_address_says_so_in_every_form_that_is_routed(address: IPv4Address) -> None:
    plain = classify(address)
    assert classify(ip_address(f"::ffff:{address}")) is plain
    assert classify(IPv6Address((0x2002 << 112) | (int(address) << 80))) is plain


@given(st.ip_addresses(v=6))
def test_what_python_calls_private_is_never_public(address: IPv6Address) -> None:
    special = address.is_private or address.is_loopback or address.is_link_local or address.is_multicast
    if special and address.ipv4_mapped is None and address.sixtofour is None:
        assert classify(address) is not AddressClass.PUBLIC


def test_one_bad_address_refuses_the_host() -> None:
    guard = AddressGuard()
    assert guard.refusal(["140.82.112.3", "2606:4700::1111"]) is None
    assert guard.refusal(["140.82.112.3", "10.0.0.7"]) == ("10.0.0.7", AddressClass.PRIVATE)


def test_a_zone_is_no_way_round() -> None:
    assert AddressGuard().refusal(["fe80::1%eth0"]) == ("fe80::1%eth0", AddressClass.LINK_LOCAL)
    assert AddressGuard(["fd00::/8"]).refusal(["fd00:ec2::254%1"]) == ("fd00:ec2::254%1", AddressClass.METADATA)


def test_a_listed_address_or_network_passes() -> None:
    guard = AddressGuard(["10.1.0.0/16", "127.0.0.1", "fd00::/8"])
    assert guard.refusal(["10.1.2.3", "127.0.0.1", "fd12::1"]) is None
    assert guard.refusal(["10.2.0.1"]) == ("10.2.0.1", AddressClass.PRIVATE)
    assert guard.refusal(["127.0.0.2"]) == ("127.0.0.2", AddressClass.LOOPBACK)


def test_a_metadata_address_passes_only_by_its_literal() -> None:
    assert AddressGuard(["169.254.0.0/16", "0.0.0.0/0"]).refusal(["169.254.169.254"]) is not None
    assert AddressGuard(["169.254.169.254"]).refusal(["169.254.169.254"]) is None


@pytest.mark.parametrize("text", ["10.0.0.1/8", "localhost", "", "10.0.0.0/33", "10.0.0"])
def test_a_wrong_entry_is_refused(text: str) -> None:
    with pytest.raises(InvalidValue, match="is not an address or CIDR"):
        AddressGuard([text])
