"""Webhooks reach nothing within: whatever an address looks like, and wherever a name leads."""

import asyncio
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.channels.guard import (
    METADATA,
    Blocked,
    Rules,
    checked_address,
    is_allowed,
    read_networks,
    read_place,
    require_allowed,
)

WITHIN = [
    "0.0.0.0",
    "10.1.2.3",
    "100.64.0.1",
    "127.0.0.1",
    "169.254.169.254",
    "172.16.0.1",
    "192.168.0.1",
    "198.18.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "168.63.129.16",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::a00:1",
    "2002:a00:1::",
    "2001:0:7f00:1::80ff:fffe",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "ff02::1",
]


@pytest.mark.parametrize("text", WITHIN)
def test_nothing_within_is_reached_in_any_spelling(text):
    assert not is_allowed(ip_address(text), ())
    host = f"[{text}]" if ":" in text else text
    with pytest.raises(Blocked):
        read_place(f"https://{host}/hook", Rules())


@pytest.mark.parametrize("host", ["127.1", "2130706433", "0x7f000001", "0177.0.0.1", "[::1%25lo]"])
def test_a_number_is_read_as_the_resolver_reads_it(host):
    with pytest.raises(Blocked):
        read_place(f"https://{host}/", Rules())


@pytest.mark.parametrize("text", ["1.1.1.1", "8.8.8.8", "2606:4700::1111", "::ffff:1.1.1.1"])
def test_public_addresses_are_reached(text):
    assert is_allowed(ip_address(text), ())


def test_an_operator_allows_the_hospitals_networks_but_never_a_clouds_metadata():
    networks = read_networks("10.1.0.0/16, fd12::/32, 0.0.0.0/0, ::/0")
    assert is_allowed(ip_address("10.1.2.3"), networks)
    assert is_allowed(ip_address("::ffff:10.1.2.3"), networks)
    assert not any(is_allowed(address, networks) for address in METADATA)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/",
        "ftp://example.org/",
        "//example.org/",
        "example.org",
        "https://",
        "https:///path",
        "https://user@example.org/",
        "https://example.org@127.0.0.1/",
        "https://example.org/#fragment",
        "https://example.org:99999/",
        "https://exa mple.org/",
        "https://example.org/\r\nhost: other",
        "https://example.org\\@127.0.0.1/",
        "https://ex\u00e4mple.org/",
        f"https://example.org/{'x' * 2000}",
        "https://[::1/",
    ],
)
def test_what_is_no_plain_https_url_is_refused(url):
    with pytest.raises(Blocked):
        read_place(url, Rules())


def test_a_place_keeps_its_port_path_and_query():
    place = read_place("https://hooks.example.org:8443/in?token=1", Rules())
    assert (place.host, place.port, place.path) == ("hooks.example.org", 8443, "/in?token=1")
    assert place.authority == "hooks.example.org:8443"
    assert read_place("https://hooks.example.org", Rules()).authority == "hooks.example.org"


def test_a_name_counts_for_where_it_leads():
    place = read_place("https://localhost/", Rules())
    with pytest.raises(Blocked):
        asyncio.run(checked_address(place, Rules()))


def test_one_address_within_among_those_of_a_name_is_one_too_many():
    public, private = ip_address("1.1.1.1"), ip_address("10.0.0.1")
    require_allowed([public], Rules())
    with pytest.raises(Blocked):
        require_allowed([public, private], Rules())
    with pytest.raises(Blocked):
        require_allowed([], Rules())


@given(st.ip_addresses(v=4))
def test_an_address_is_judged_alike_in_every_wrapping(address):
    wrapped = [
        ip_address(f"::ffff:{address}"),
        ip_address(int(ip_address("64:ff9b::")) + int(address)),
    ]
    assert {is_allowed(one, ()) for one in wrapped} == {is_allowed(address, ())}


@given(st.text(max_size=60))
def test_any_text_is_a_place_or_refused(text):
    for url in (text, f"https://{text}", f"https://example.org{text}"):
        try:
            place = read_place(url, Rules())
        except Blocked:
            continue
        assert place.scheme == "https"
        assert place.path.startswith(("/", "?"))
