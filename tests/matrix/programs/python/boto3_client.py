"""boto3, which signs its requests by itself."""

from __future__ import annotations

import boto3
from telling import WORDS, heard, tell

BUCKET = {"Bucket": "demo-bucket"}
S3 = boto3.client("s3")


def allowed() -> bool:
    return boto3.client("sts").get_caller_identity()["Account"] == "000000000000"


def denied() -> None:
    S3.delete_object(**BUCKET, Key="precious")


def held() -> bool:
    return S3.put_object(**BUCKET, Key="new", Body=b"text")["ETag"] == '"0"'


def stream() -> bool:
    return heard(word.decode() for word in S3.get_object(**BUCKET, Key="told")["Body"].iter_chunks(5)) == WORDS


tell(boto3.__version__, "its own", allowed=allowed, denied=denied, held=held, stream=stream)
