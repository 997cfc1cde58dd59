"""Clients of the JDK itself. `tf run` gives JVMs a proxy that asks for no password, and a trust store, by an option."""

from __future__ import annotations

import shutil
import subprocess
from functools import cache
from typing import Final

from tests.matrix.clients import PROGRAMS, Client, Verdict

PROGRAM: Final = PROGRAMS / "java" / "Matrix.java"


@cache
def missing() -> str:
    """Java runs a source file only where its compiler is, which a runtime alone does not bring."""
    java = shutil.which("java")
    if java is None:
        return "there is no java"
    modules = subprocess.run([java, "--list-modules"], capture_output=True, text=True, check=True).stdout
    return "" if "jdk.compiler" in modules else "this Java cannot compile"


def client(name: str) -> Client:
    command = ("java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", str(PROGRAM))
    return Client(name, "Java", command, Verdict.SHIM, missing=missing, remark=REMARK)


REMARK: Final = (
    "`tf run` leads JVMs to the proxy, and to a trust store, by `JAVA_TOOL_OPTIONS`; each JVM says so in a line on "
    "stderr. The text is an exception of the program's own, of status and body. "
    "[More](../howto/connect-a-client.md#java)."
)
CLIENTS: Final = (client("java.net.http.HttpClient"), client("HttpsURLConnection"))
