"""`python -m tests.matrix`: runs clients and prints their rows. `--write` keeps them and writes the page.

Arguments name clients, or modules of `languages`; none: all. `--page` only writes the page, from rows that are there.
"""

from __future__ import annotations

import sys
import tempfile
import traceback
from pathlib import Path

from tests.matrix import clients, page, results
from tests.matrix.clients import Client
from tests.matrix.installation import Installation, installed
from tests.matrix.judging import played


def chosen(names: list[str]) -> list[tuple[str, Client]]:
    """Module and client of what was named."""
    known = [(module, client) for module in clients.modules() for client in clients.of(module)]
    unknown = set(names) - {name for module, client in known for name in (module, client.name)}
    if unknown:
        raise SystemExit(f"no such client: {', '.join(sorted(unknown))}")
    return [(module, client) for module, client in known if not names or {module, client.name} & set(names)]


def run(matrix: Installation, module: str, client: Client, *, keep: bool) -> bool:
    """Whether it did what it must."""
    missing = client.missing()
    if missing:
        print(f"{client.name}: left out, {missing}")
        return True
    try:
        row = played(matrix, client)
    except AssertionError as fault:
        print(f"{client.name}: FAILED in `{traceback.extract_tb(fault.__traceback__)[-1].line}`\n{fault}")
        print(matrix.last.printed)
        for one in matrix.last.rows:
            print(f"  {one['method']} {one['host']}{one['path']}: {one['decision']} {one['reason']} {one['status']}")
        return False
    before = results.read(module)
    print(f"{client.name}: {row}")
    if keep:
        names = [each.name for each in clients.of(module)]
        merged = {**before, client.name: row}
        results.write(module, {name: merged[name] for name in names if name in merged})
    return True


def main(arguments: list[str]) -> int:
    names = [argument for argument in arguments if not argument.startswith("-")]
    right = True
    if "--page" not in arguments:
        with tempfile.TemporaryDirectory(prefix="matrix-") as made, installed(Path(made)) as matrix:
            for module, client in chosen(names):
                right &= run(matrix, module, client, keep="--write" in arguments)
    if {"--write", "--page"} & set(arguments):
        page.PAGE.write_text(page.text(), encoding="utf-8")
    return 0 if right else 1


sys.exit(main(sys.argv[1:]))
