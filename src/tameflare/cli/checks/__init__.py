"""The checks of `tf doctor`. Each looks at one thing and says what to do about it."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from tameflare.cli.checks import account, machine, reach, shell
from tameflare.cli.checks.around import Around
from tameflare.cli.checks.findings import Finding, Level, Said, red
from tameflare.cli.masked import masked
from tameflare.core.errors import TameFlareError
from tameflare.settings import Settings

Check = Callable[[Around], Said]

NOT_IN_PRODUCTION: Final = frozenset({"separation", "server", "proxy"})
"""Checks whose warnings are red in production: agents beside the keys, and what is degraded."""

CHECKS: Final[dict[str, Check]] = {
    "settings": machine.every_setting,
    "encryption": machine.encryption,
    "data directory": machine.data,
    "disk": machine.disk,
    "open files": machine.open_files,
    "project": account.project,
    "server": reach.server,
    "proxy": reach.proxy,
    "database": machine.database,
    "log-in": account.login,
    "gateway": account.gateway,
    "agents": account.agents,
    "kill switch": account.kill_switch,
    "level": account.level,
    "credentials": account.credentials,
    "keys": account.keys,
    "configuration": reach.configuration,
    "clock": reach.clock,
    "authority": reach.authority,
    "separation": machine.separation,
    "isolation": machine.isolation,
    "names": machine.names,
    "environment": lambda around: shell.environment_findings(around.variables),
    "node": shell.node,
    "files": shell.files,
}
ASKED_FOR: Final[dict[str, Check]] = {"upstreams": account.upstreams}
"""Checks that send requests to vendors: only with `--test`."""


def every_check(settings: Settings, *, production: bool = False, test: bool = False) -> list[Finding]:
    """Run all; a fault in the way of a check is itself a finding, told once.

    In `production` some of what one may live with on one's own machine is red.
    """
    around = Around(settings, os.environ)
    found: list[Finding] = []
    for name, check in (CHECKS | (ASKED_FOR if test else {})).items():
        for finding in _findings(check, around):
            if finding.level is Level.OK or finding.sentence not in {other.sentence for other in found}:
                found.append(_judged(replace(finding, check=name), production))
    return found


def _findings(check: Check, around: Around) -> Said:
    try:
        for finding in check(around):
            yield replace(finding, finding=masked(finding.finding), help=masked(finding.help))
    except TameFlareError as fault:
        yield red(masked(fault.message), masked(fault.help))


def _judged(finding: Finding, production: bool) -> Finding:
    strict = production and finding.level is Level.WARNING and finding.check in NOT_IN_PRODUCTION
    return replace(finding, level=Level.RED) if strict else finding
