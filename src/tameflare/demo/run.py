"""`tf demo`: an agent tries six things under TameFlare; a table says whether each came out as it must. No internet."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.console import Console

from tameflare.core.errors import TameFlareError
from tameflare.demo import verdicts
from tameflare.demo.certificates import make_certificates
from tameflare.demo.doubles.github import GitHub
from tameflare.demo.doubles.openai import OpenAI
from tameflare.demo.doubles.server import Doubles
from tameflare.demo.doubles.stranger import Stranger
from tameflare.demo.doubles.stripe import Stripe
from tameflare.demo.doubles.web import Vendor
from tameflare.demo.keys import VendorKeys
from tameflare.demo.privileges import is_all_seeing
from tameflare.demo.product import Connector, Product
from tameflare.demo.table import show

AGENT = Path(__file__).with_name("agent.py")
AGENT_TIMEOUT = 120.0
LAST_STEP_BEFORE_SWITCH = "own-key"
_SDKS = {"openai": "openai", "stripe": "stripe", "github": "PyGithub"}


def main() -> int:
    """Run the demo; 0 only if each step came out as it must. Raises TameFlareError where it cannot be run."""
    require_sdks()
    console = Console()
    keys = VendorKeys()
    with tempfile.TemporaryDirectory(prefix="tf-demo-") as name:
        console.print(f"starting doubles of GitHub, OpenAI and Stripe, and the product, in {name}")
        with installation(Path(name), keys) as (product, doubles):
            console.print("running the agent under `tf run`")
            steps = run_agent(product)
            lines = verdicts.lines(steps, doubles.ledger, keys, product)
    show(lines, console)
    if is_all_seeing():
        console.print("[yellow]note: this ran as root, who reads every process; run agents as another user[/yellow]")
    return 0 if all(line.good for line in lines) else 1


def require_sdks() -> None:
    """TameFlareError naming the packages that are not installed."""
    missing = [package for module, package in _SDKS.items() if importlib.util.find_spec(module) is None]
    if missing:
        raise TameFlareError(
            f"the demo's agent needs {', '.join(missing)}",
            "install them with `pip install 'tameflare[demo]'`, or use `make demo` in a checkout",
        )


@contextlib.contextmanager
def installation(directory: Path, keys: VendorKeys) -> Iterator[tuple[Product, Doubles]]:
    """Doubles and product, set up for the agent, for as long as the context lasts."""
    vendors: tuple[Vendor, ...] = (GitHub(keys.github), OpenAI(keys.openai), Stripe(keys.stripe), Stranger())
    made = make_certificates(directory, [host for vendor in vendors for host in vendor.hosts])
    with (
        Doubles(vendors, made.certificate, made.key) as doubles,
        Product(directory, doubles.pins, made.authority) as product,
    ):
        product.register()
        product.use_gateway("demo", product.add_gateway("demo", _connectors(keys)))
        product.wait_for_configuration()
        yield product, doubles


def _connectors(keys: VendorKeys) -> tuple[Connector, ...]:
    return (
        Connector("openai", keys.openai, (("openai.chat.create", "allow"),)),
        Connector("github", keys.github, (("github.*.get", "allow"), ("github.*.list", "allow"))),
        Connector("stripe", keys.stripe, (("stripe.*", "allow"), ("stripe.refund.*", "deny"))),
    )


def run_agent(product: Product) -> dict[str, dict[str, Any]]:
    """Run the example agent, throw the kill switch before its last step, and return what it told, by step."""
    told: dict[str, dict[str, Any]] = {}
    environment = {**product.environment(), "DEMO_DIRECTORY": str(product.directory)}
    command = product.tf_run([sys.executable, str(AGENT)])
    with subprocess.Popen(  # noqa: S603 - our own program
        command, env=environment, cwd=product.project, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        with time_limit(process):
            for line in process.stdout:
                step = json.loads(line)
                told[step["step"]] = step
                if step["step"] == LAST_STEP_BEFORE_SWITCH:
                    product.kill_switch(active=True)
                    process.stdin.write("\n")
                    process.stdin.flush()
            process.wait()
    if process.returncode != 0:
        raise TameFlareError(f"the agent ended with {process.returncode}")
    return told


@contextlib.contextmanager
def time_limit(process: subprocess.Popen[str]) -> Iterator[None]:
    """End the process where it takes longer than AGENT_TIMEOUT."""
    timer = threading.Timer(AGENT_TIMEOUT, process.terminate)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
