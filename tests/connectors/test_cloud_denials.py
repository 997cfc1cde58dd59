"""Refusals on hosts of clouds, as their own SDKs read them."""

from __future__ import annotations

import json
from xml.etree import ElementTree as ET

import pytest
from tests.connectors.asking import connector, request

from tameflare.connectors.denials import Denial, Rendered

DENIAL = Denial(403, "rule_deny", "`http.delete` is <denied>", "http.delete", "rule_deny", "req_1", ("r1",), "ask")
LATE = Denial(408, "approval_timeout", "nobody answered", "http.put", "approval_timeout", "req_2")
GOOGLE, S3, STS = "storage.googleapis.com", "bucket.s3.eu-west-1.amazonaws.com", "sts.amazonaws.com"
KINESIS = "kinesis.us-east-1.amazonaws.com"


def rendered(host: str, denial: Denial = DENIAL, kind: str = "") -> Rendered:
    return connector("generic", host).deny(denial, request("POST", host, "/a", content_type=kind))


def test_google() -> None:
    error = json.loads(rendered(GOOGLE).body)["error"]
    assert (error["code"], error["status"], error["message"]) == (403, "PERMISSION_DENIED", DENIAL.message)
    assert error["details"][0]["reason"] == "RULE_DENY"
    assert error["details"][0]["metadata"]["request_id"] == "req_1"
    assert json.loads(rendered(GOOGLE, LATE).body)["error"]["status"] == "DEADLINE_EXCEEDED"


@pytest.mark.parametrize(("host", "path"), [(S3, "."), (STS, "Error"), ("s3-fips.us-gov-west-1.amazonaws.com", ".")])
def test_aws_in_xml(host: str, path: str) -> None:
    found = ET.fromstring(rendered(host).body).find(path)
    assert found is not None
    assert found.tag == "Error"
    assert (found.findtext("Code"), found.findtext("Message")) == ("AccessDenied", DENIAL.message)
    assert (found.findtext("Reason"), found.findtext("RequestId")) == ("rule_deny", "req_1")


def test_aws_in_json() -> None:
    answer = rendered(KINESIS, kind="application/x-amz-json-1.1")
    body = json.loads(answer.body)
    assert (answer.content_type, dict(answer.headers)["x-amzn-ErrorType"]) == (
        "application/x-amz-json-1.1",
        "AccessDenied",
    )
    assert (body["__type"], body["message"], body["reason"]) == ("AccessDenied", DENIAL.message, "rule_deny")


def test_aws_tells_other_refusals_by_their_code() -> None:
    assert ET.fromstring(rendered(S3, LATE).body).findtext("Code") == "ApprovalTimeout"


@pytest.mark.parametrize("host", ["api.example.test", "evil-amazonaws.com", "googleapis.com.example"])
def test_all_others_in_our_own_shape(host: str) -> None:
    assert json.loads(rendered(host).body)["message"] == DENIAL.message
    assert rendered(host).content_type == "application/json"
