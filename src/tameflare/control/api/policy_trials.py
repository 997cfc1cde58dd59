"""Policies tried before they are stored: on one action, and on what is on record."""

from __future__ import annotations

from fastapi import Response

from tameflare.control.api import action_shapes
from tameflare.control.api.action_shapes import ExplanationOut
from tameflare.control.api.auth import Reader, Wired
from tameflare.control.api.policies import PATH
from tameflare.control.api.policy_trial_shapes import (
    DifferenceOut,
    LeftOut,
    Move,
    Need,
    ReplayBody,
    ReplayOut,
    TrialBody,
)
from tameflare.control.api.strict import router_for
from tameflare.control.services import action_questions
from tameflare.control.services.policy_checks import File
from tameflare.control.services.policy_trials import Candidates
from tameflare.control.services.replay import Replayed
from tameflare.control.services.replay_records import Wanted

router = router_for("policies", PATH)


def _candidates(body: TrialBody | ReplayBody) -> Candidates:
    return Candidates([File(file.name, file.text) for file in body.files], body.alone)


@router.post("/evaluate", response_model=ExplanationOut)
async def evaluate(body: TrialBody, _caller: Reader, services: Wired) -> Response:
    """What an agent would be answered, and why, rule by rule. Nothing is recorded or counted."""
    question = action_questions.read(body.question, services.webhook_hosts)
    return action_shapes.answered(
        await services.trials.evaluate(body.gateway, body.agent, question, _candidates(body), body.time)
    )


@router.post("/replay")
async def replay(body: ReplayBody, _caller: Reader, services: Wired) -> ReplayOut:
    """Judge stored requests and actions once more: by the present access rules and these policies."""
    wanted = Wanted(body.last, body.since, body.gateway)
    return _told(await services.replay.run(_candidates(body), wanted))


def _told(found: Replayed) -> ReplayOut:
    return ReplayOut(
        records=found.records,
        more=found.more,
        unchanged=found.unchanged,
        changed=found.changed,
        cannot_tell=found.cannot_tell,
        moves=[Move(was=was, becomes=becomes, count=count) for (was, becomes), count in found.moves.most_common()],
        needs=[Need(rule=rule, field=field, count=count) for (rule, field), count in found.needs.most_common()],
        left_out=[LeftOut(reason=reason, count=count) for reason, count in found.left_out.most_common()],
        differences=[DifferenceOut.model_validate(each) for each in found.differences],
    )
