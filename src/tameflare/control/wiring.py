"""Every service of the control plane, put together once per process."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import structlog

from tameflare.control.services import keys
from tameflare.control.services.action_release import Release
from tameflare.control.services.actions import Actions
from tameflare.control.services.agent_keys import AgentKeys
from tameflare.control.services.approval_outcomes import Outcomes
from tameflare.control.services.approvals import Approvals
from tameflare.control.services.compiled import Compiled
from tameflare.control.services.configuration import Published
from tameflare.control.services.context import Context
from tameflare.control.services.credentials import Credentials
from tameflare.control.services.decision_tokens import DecisionTokens
from tameflare.control.services.execution_jobs import Jobs
from tameflare.control.services.execution_records import ExecutionRecords
from tameflare.control.services.executions import Executions
from tameflare.control.services.feed import FeedService
from tameflare.control.services.groups import Groups
from tameflare.control.services.health import Health
from tameflare.control.services.holds import Holds
from tameflare.control.services.intake import Intake
from tameflare.control.services.keys import Keys
from tameflare.control.services.killswitch import KillSwitches
from tameflare.control.services.news import News
from tameflare.control.services.passwords import Hasher
from tameflare.control.services.plan import Plan
from tameflare.control.services.policies import Policies
from tameflare.control.services.policy_trials import Trials
from tameflare.control.services.proxies import Proxies
from tameflare.control.services.replay import Replay
from tameflare.control.services.replay_records import RecordReader
from tameflare.control.services.sessions import Sessions
from tameflare.control.services.setupcode import FILE, SetupCode
from tameflare.control.services.signing_keys import SigningKeys
from tameflare.control.services.tokens import PersonalTokens
from tameflare.control.services.totals import Totals
from tameflare.control.services.user_admin import UserAdmin
from tameflare.control.services.users import Users
from tameflare.control.services.vault import WARNING, Vault
from tameflare.control.store import approvals as approval_rows
from tameflare.control.store import feed as feed_rows
from tameflare.control.store import traffic as traffic_rows
from tameflare.control.store.engine import Database
from tameflare.control.store.opening import open_stores
from tameflare.control.store.traffic import TrafficStore
from tameflare.settings import DATABASE_URL, ENCRYPTION_KEY, WEBHOOK_HOSTS

_log = structlog.get_logger("tameflare.control")


@dataclass(frozen=True)
class Services:
    context: Context
    database: Database
    traffic: TrafficStore
    vault: Vault
    keys: Keys
    signing_keys: SigningKeys
    decision_tokens: DecisionTokens
    hasher: Hasher
    setup_code: SetupCode
    users: Users
    user_admin: UserAdmin
    groups: Groups
    tokens: PersonalTokens
    configuration: Published
    compiled: Compiled
    policies: Policies
    trials: Trials
    replay: Replay
    proxies: Proxies
    credentials: Credentials
    kill_switches: KillSwitches
    feed: FeedService
    intake: Intake
    totals: Totals
    holds: Holds
    approvals: Approvals
    sessions: Sessions
    news: News
    agent_keys: AgentKeys
    actions: Actions
    release: Release
    executions: Executions
    jobs: Jobs
    webhook_hosts: tuple[str, ...]
    plan: Plan
    health: Health

    @classmethod
    def open(cls, directory: Path, context: Context) -> Self:
        """Open both databases in `directory` and put everything together. Raises TameFlareError."""
        vault = Vault(context.settings.get(ENCRYPTION_KEY), context.entropy)
        database, traffic = open_stores(directory, context.settings.get(DATABASE_URL), context.clock)
        if not vault.encrypts:
            _log.warning(WARNING, help="set SETTINGS_ENCRYPTION_KEY, as `openssl rand -hex 32` prints it")
        own = database.write_now(lambda connection: keys.load(connection, vault, context))
        signing = SigningKeys(context, database, vault)
        hasher = Hasher()
        code = SetupCode(directory / FILE, context)
        outcomes = Outcomes(context, database, traffic)
        totals = Totals(context, database)
        published = Published(context, database, vault, own)
        compiled = Compiled(context, database, published)
        policies = Policies(context, database, published)
        trials = Trials(context, database, published, compiled, policies)
        decision_tokens = DecisionTokens(context, database, signing, own.pepper)
        holds = Holds(context, database, outcomes)
        plan = Plan(context, database, traffic)
        actions = Actions(context, database, holds, decision_tokens, signing, plan)
        return cls(
            context=context,
            database=database,
            traffic=traffic,
            vault=vault,
            keys=own,
            signing_keys=signing,
            decision_tokens=decision_tokens,
            hasher=hasher,
            setup_code=code,
            users=Users(context, database, hasher, code),
            user_admin=UserAdmin(context, database, hasher),
            groups=Groups(context, database),
            tokens=PersonalTokens(context, database, own.pepper),
            configuration=published,
            compiled=compiled,
            policies=policies,
            trials=trials,
            replay=Replay(context, RecordReader(database, traffic), trials),
            proxies=Proxies(context, database, published, own.pepper),
            credentials=Credentials(context, vault),
            kill_switches=KillSwitches(context, database, published),
            feed=FeedService(database, context.clock, context.steady),
            intake=Intake(traffic, outcomes.take, totals.take, ExecutionRecords(context, database).take),
            totals=totals,
            holds=holds,
            approvals=Approvals(context, database, published),
            sessions=Sessions(context, database, own.pepper),
            news=_news(database, traffic),
            agent_keys=AgentKeys(context, database, hasher),
            actions=actions,
            release=Release(context, database, compiled, actions),
            executions=Executions(context, database, vault, decision_tokens),
            jobs=Jobs(context, database, vault, decision_tokens),
            webhook_hosts=context.settings.get(WEBHOOK_HOSTS),
            plan=plan,
            health=Health(database, vault, own, published, compiled),
        )

    def close_waits(self) -> None:
        """Answer everybody who waits for news: the server begins to stop."""
        self.feed.close()
        self.approvals.close()
        self.executions.close()
        self.actions.close()
        self.intake.close()
        self.news.close()

    def close(self) -> None:
        self.hasher.close()
        self.traffic.close()
        self.database.close()


def _news(database: Database, traffic: TrafficStore) -> News:
    news = News()
    news.follow("state", database, feed_rows.TOPIC)
    news.follow("approvals", database, approval_rows.TOPIC)
    news.follow("traffic", traffic.database, traffic_rows.TOPIC)
    return news
