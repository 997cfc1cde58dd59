"""What /metrics prints, read back by the library that Prometheus users have."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from tameflare.proxy.metrics import Metrics


def samples(metrics: Metrics) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    families = text_string_to_metric_families(metrics.render().decode())
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


def test_names_that_dashboards_rely_on_are_there() -> None:
    metrics = Metrics()
    metrics.requests["allow"] += 2
    metrics.requests["deny"] += 1
    metrics.denied["no_connector"] += 1
    metrics.connector_errors["github"] += 1
    metrics.rate_limit_hits += 1
    metrics.gauge("active_connections", "Open connections.", lambda: 7)
    metrics.counter("records", "Records written.", lambda: 3)
    found = samples(metrics)
    assert found["tameflare_requests_total", (("decision", "allow"),)] == 2
    assert found["tameflare_requests_total", (("decision", "deny"),)] == 1
    assert found["tameflare_requests_denied_total", (("reason", "no_connector"),)] == 1
    assert found["tameflare_connector_errors_total", (("connector", "github"),)] == 1
    assert found["tameflare_rate_limit_hits_total", ()] == 1
    assert found["tameflare_active_connections", ()] == 7
    assert found["tameflare_records_total", ()] == 3


def test_gauges_are_read_when_asked_for() -> None:
    metrics = Metrics()
    ages = iter([1.5, 2.5])
    metrics.gauge("config_age_seconds", "Age of the configuration.", lambda: next(ages))
    assert samples(metrics)["tameflare_config_age_seconds", ()] == 1.5
    assert samples(metrics)["tameflare_config_age_seconds", ()] == 2.5


def test_histograms_are_cumulative() -> None:
    metrics = Metrics()
    for seconds in (0.0001, 0.00011, 0.02, 5.0):
        metrics.overhead.observe(seconds)
    found = samples(metrics)
    name = "tameflare_proxy_overhead_seconds"
    assert found[f"{name}_bucket", (("le", "0.0001"),)] == 1, "a bound belongs to its bucket"
    assert found[f"{name}_bucket", (("le", "0.00025"),)] == 2
    assert found[f"{name}_bucket", (("le", "1.0"),)] == 3
    assert found[f"{name}_bucket", (("le", "+Inf"),)] == 4
    assert found[f"{name}_count", ()] == 4
    assert abs(found[f"{name}_sum", ()] - 5.02021) < 1e-9


def test_labels_with_odd_characters_survive() -> None:
    metrics = Metrics()
    metrics.connector_errors['a"b\\c\nd'] += 1
    assert samples(metrics)["tameflare_connector_errors_total", (("connector", 'a"b\\c\nd'),)] == 1
