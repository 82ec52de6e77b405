"""Flags before environment before defaults, and every value that is none refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sealbridge.errors import UsageError
from sealbridge.operator.settings import Settings, host_and_port


def test_the_defaults_are_those_of_the_manual() -> None:
    assert Settings.read({}, {}) == Settings(
        listen_addr=":8080", listen_metrics_addr=":8081", log_level="info", key_size=4096, workers=16
    )


def test_a_flag_wins_over_the_environment_and_that_over_the_default() -> None:
    environment = {"SEALBRIDGE_WORKERS": "4", "SEALBRIDGE_NAMESPACE": "env", "SEALBRIDGE_LOG_LEVEL": "debug"}
    settings = Settings.read({"namespace": "flag", "workers": None}, environment)
    assert (settings.namespace, settings.workers, settings.log_level) == ("flag", 4, "debug")


@pytest.mark.parametrize(
    ("flags", "environment", "told"),
    [
        ({"key_ttl": "ten years"}, {}, "ten years"),
        ({"key_ttl": "0"}, {}, "no time"),
        ({"key_renew_period": "-1h"}, {}, "negative"),
        ({"key_cutoff_time": "yesterday"}, {}, "RFC 1123"),
        ({"key_cutoff_time": "Mon, 02 Jan 2006 15:04:05"}, {}, "RFC 1123"),
        ({"key_order_priority": "Name"}, {}, "CertNotBefore"),
        ({"privatekey_labels": "a"}, {}, "KEY=VALUE"),
        ({"update_status": "maybe"}, {}, "neither true nor false"),
        ({"rate_limit": "0"}, {}, "rate-limit"),
        ({"trusted_proxies": "10.0.0.0/8,proxy.example"}, {}, "trusted-proxies"),
        ({"log_format": "xml"}, {}, "json or text"),
        ({"tls_cert_file": "tls.crt"}, {}, "go together"),
        ({"additional_namespaces": "a.b"}, {}, "not a namespace"),
        ({"log_level": "loud"}, {}, "log level"),
        ({"key_size": "1024"}, {}, "2048 to 8192"),
        ({"key_size": "16384"}, {}, "2048 to 8192"),
        ({"workers": "0"}, {}, "workers"),
        ({"listen_addr": "8080"}, {}, "address"),
        ({"listen_metrics_addr": ":http"}, {}, "address"),
        ({"listen_addr": ":99999"}, {}, "address"),
        ({}, {"SEALBRIDGE_WORKERS": "many"}, "number"),
        ({"watch_namespaces": "shop,Not/One"}, {}, "not a namespace"),
    ],
)
def test_what_is_no_value_is_refused(flags: dict[str, Any], environment: dict[str, str], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        Settings.read(flags, environment)


def test_the_flags_and_variables_of_the_controller_are_understood() -> None:
    flags = {
        "key_renew_period": "0",
        "key_ttl": "87600h0m0s",
        "key_cutoff_time": "Mon, 02 Jan 2006 15:04:05 -0700",
        "privatekey_labels": "a=b, c=",
        "update_status": "false",
        "log_level": "WARN",
    }
    settings = Settings.read(flags, {"SEALED_SECRETS_MY_CN": "theirs", "SEALED_SECRETS_RATE_LIMIT": "7"})
    assert settings.key_renew_period == timedelta()
    assert settings.key_ttl == timedelta(days=3650)
    assert settings.key_cutoff_time == datetime(2006, 1, 2, 22, 4, 5, tzinfo=UTC)
    assert settings.privatekey_labels == (("a", "b"), ("c", ""))
    assert (settings.update_status, settings.log_level) == (False, "warning")
    assert (settings.my_cn, settings.rate_limit) == ("theirs", 7)
    both = {"SEALED_SECRETS_MY_CN": "theirs", "SEALBRIDGE_MY_CN": "ours"}
    assert Settings.read({}, both).my_cn == "ours"


@pytest.mark.parametrize("text", ["shop,cart", " shop , cart,"])
def test_namespaces_stand_with_commas_between(text: str) -> None:
    assert Settings.read({"watch_namespaces": text}, {}).watch_namespaces == ("shop", "cart")
    assert Settings.read({}, {"SEALBRIDGE_WATCH_NAMESPACES": text}).watch_namespaces == ("shop", "cart")


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        (":8080", (None, 8080)),
        ("127.0.0.1:0", ("127.0.0.1", 0)),
        ("[::1]:8080", ("::1", 8080)),
        ("localhost:1", ("localhost", 1)),
    ],
)
def test_an_address_is_read(address: str, expected: tuple[str | None, int]) -> None:
    assert host_and_port(address) == expected


def test_the_namespaces_to_serve() -> None:
    def served(**flags: str) -> tuple[str, ...]:
        return Settings.read(flags, {}).served_namespaces("own")

    assert served() == ()
    assert served(all_namespaces="false") == ("own",)
    assert served(additional_namespaces="a,b,own,a") == ("own", "a", "b")
    assert served(all_namespaces="true", additional_namespaces="a") == ("own", "a")
    assert served(watch_namespaces="a,b,a", all_namespaces="false") == ("a", "b")


def test_a_label_selector_that_is_none_is_refused_at_the_start() -> None:
    with pytest.raises(UsageError, match="is not a label selector"):
        Settings.read({"label_selector": "a in b"}, {})


def test_addresses_that_webhooks_may_reach_are_read_at_the_start() -> None:
    settings = Settings.read({"store_allowed_networks": "127.0.0.0/8, ::1"}, {})
    assert settings.store_reach().lets("127.0.0.1")
    assert not Settings().store_reach().lets("127.0.0.1")
    with pytest.raises(UsageError, match="--store-allowed-networks: 'localhost' is not a network"):
        Settings(store_allowed_networks=("localhost",))
