"""Clients of the JDK itself. `tf run` gives JVMs a proxy that asks for no password, and a trust store, by an option."""

from __future__ import annotations

from typing import Final

from tests.matrix import building
from tests.matrix.clients import PROGRAMS, Client, Verdict

CLASSES: Final = building.BUILT / "java"


def missing() -> str:
    return building.missing("javac", "-d", str(CLASSES), str(PROGRAMS / "java" / "Matrix.java"))


def client(name: str) -> Client:
    command = ("java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", str(CLASSES), "Matrix")
    return Client(name, "Java", command, Verdict.SHIM, missing=missing, remark=REMARK)


REMARK: Final = (
    "`tf run` leads JVMs to the proxy, and to a trust store, by `JAVA_TOOL_OPTIONS`; each JVM says so in a line on "
    "stderr. The text is an exception of the program's own, of status and body. "
    "[More](../howto/connect-a-client.md#java)."
)
CLIENTS: Final = (client("java.net.http.HttpClient"), client("HttpsURLConnection"))
