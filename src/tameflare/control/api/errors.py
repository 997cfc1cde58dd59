"""Faults as answers: `{error, code, message, help}`, every fault of a body in one 422, nothing that was sent echoed."""

from __future__ import annotations

import traceback
from http import HTTPStatus
from typing import Any, Final

import msgspec
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from tameflare.control.api.bodies import NAME_PATTERN, NAME_SENTENCE
from tameflare.control.services import execution_faults, faults
from tameflare.control.services.decision_tokens import TokenSpent
from tameflare.control.services.policy_faults import VersionMoved
from tameflare.control.store.engine import Conflict, DatabaseUnavailable
from tameflare.core.errors import InvalidValue, TameFlareError
from tameflare.core.token import TokenRefused

_log = structlog.get_logger("tameflare.api")

_STATUS: Final[dict[type[TameFlareError], int]] = {
    faults.Invalid: 422,
    InvalidValue: 422,
    faults.NotFound: 404,
    faults.AlreadyExists: 409,
    faults.AlreadyAnswered: 409,
    faults.IdempotencyConflict: 409,
    faults.TooLarge: 413,
    faults.Ambiguous: 409,
    VersionMoved: 409,
    faults.InUse: 409,
    Conflict: 409,
    TokenSpent: 409,
    execution_faults.NoGateway: 409,
    execution_faults.AlreadyCarriedOut: 409,
    execution_faults.NotExecutable: 422,
    execution_faults.RefusedAtGateway: 403,
    TokenRefused: 422,
    faults.Unauthorized: 401,
    faults.Refused: 403,
    faults.RoleTooLow: 403,
    faults.ScopeMissing: 403,
    faults.Throttled: 429,
    DatabaseUnavailable: 503,
}


class Error(BaseModel):
    """What went wrong, and what to do next."""

    error: str
    code: str
    message: str
    help: str = ""


class Fault(BaseModel):
    """`file`, `line` and `column` only where a text was sent, as that of a policy."""

    field: str
    message: str
    help: str = ""
    file: str | None = None
    line: int | None = None
    column: int | None = None


class Unprocessable(Error):
    """Everything that is wrong with what was sent."""

    faults: list[Fault]


class Forbidden(BaseModel):
    """The role is too low (both roles are told), or the token lacks a scope."""

    error: str
    required_role: str | None = None
    your_role: str | None = None
    required_scope: str | None = None


RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    401: {"model": Error, "description": "No valid personal access token."},
    403: {"model": Forbidden, "description": "Role or scope do not allow this."},
    404: {"model": Error, "description": "What the path names does not exist."},
    409: {"model": Error, "description": "It does not fit what is there: a name is taken, or something is in use."},
    413: {"model": Error, "description": "The body is too large."},
    422: {"model": Unprocessable, "description": "What was sent is faulty; all faults are listed."},
    429: {"model": Error, "description": "Too many attempts; `Retry-After` says when to try again."},
    503: {"model": Error, "description": "The database does not answer; try again."},
}


def title(status: int) -> str:
    return "Unprocessable" if status == 422 else HTTPStatus(status).phrase


def status_of(fault: TameFlareError) -> int:
    """The HTTP status of an expected fault; 500 where nobody expected it to get here."""
    return next((_STATUS[kind] for kind in type(fault).__mro__ if kind in _STATUS), 500)


def answer(status: int, code: str, message: str, help_text: str = "", **more: Any) -> JSONResponse:
    """An error as the API gives it."""
    body = {"error": title(status), "code": code, "message": message, "help": help_text, **more}
    return JSONResponse(body, status)


def install(app: FastAPI) -> None:
    """Have every fault answered in the one shape."""
    app.add_exception_handler(TameFlareError, _expected)
    app.add_exception_handler(RequestValidationError, _unreadable)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unexpected)


async def answered(request: Request, fault: Exception) -> JSONResponse:
    """Any fault as an answer, where the framework is not there to choose."""
    return await (_expected if isinstance(fault, TameFlareError) else _unexpected)(request, fault)


async def _expected(_request: Request, fault: Exception) -> JSONResponse:
    assert isinstance(fault, TameFlareError)
    if isinstance(fault, faults.RoleTooLow):
        body = {"error": "Forbidden", "required_role": fault.required.value, "your_role": fault.actual.value}
        return JSONResponse(body, 403)
    status = status_of(fault)
    response = answer(status, fault.code, fault.message, fault.help, **_details(fault))
    if isinstance(fault, faults.Throttled):
        response.headers["Retry-After"] = str(fault.retry_after)
    if status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    if status == 503:
        response.headers["Retry-After"] = "1"
    if status >= 500:
        _log.error("request_failed", code=fault.code, message=fault.message)
    return response


def _details(fault: TameFlareError) -> dict[str, Any]:
    if isinstance(fault, faults.Invalid):
        return {"faults": msgspec.to_builtins(fault.faults)}
    if isinstance(fault, InvalidValue):
        return {"faults": [{"field": "", "message": fault.message, "help": fault.help}]}
    if isinstance(fault, TokenRefused) and not isinstance(fault, TokenSpent):
        return {"faults": [{"field": "decision_token", "message": fault.message, "help": fault.help}]}
    if isinstance(fault, VersionMoved):
        return {"policy": fault.policy, "version": fault.version}
    if isinstance(fault, faults.AlreadyAnswered):
        return {"approval": fault.approval}
    if isinstance(fault, faults.Ambiguous):
        return {"candidates": list(fault.candidates)}
    if isinstance(fault, faults.InUse):
        return {"used_by": list(fault.used_by)}
    if isinstance(fault, faults.ScopeMissing):
        return {"required_scope": fault.required.value}
    return {}


async def _unreadable(_request: Request, fault: Exception) -> JSONResponse:
    """Field and message of each of pydantic's faults; never the value, which may be a secret."""
    assert isinstance(fault, RequestValidationError)
    found = [{"field": _field(error["loc"]), "message": _sentence(error), "help": ""} for error in fault.errors()]
    message = "the request is faulty" if len(found) != 1 else found[0]["message"]
    return answer(422, "invalid", message, "correct what `faults` lists", faults=found)


def _field(location: tuple[Any, ...]) -> str:
    path = location[1:] if location and location[0] in ("body", "path", "query", "header") else location
    return ".".join(str(part) for part in path)


def _sentence(error: dict[str, Any]) -> str:
    if error["type"] == "extra_forbidden":
        return "unknown field"
    if error["type"] == "json_invalid":
        return "the body is not JSON"
    if error["type"] == "string_pattern_mismatch":
        return _pattern(error["ctx"]["pattern"])
    text: str = error["msg"]
    return text[:1].lower() + text[1:]


def _pattern(pattern: str) -> str:
    """A name is explained; every other pattern keeps control characters out."""
    if pattern == NAME_PATTERN:
        return f"this is no name: {NAME_SENTENCE[:1].lower()}{NAME_SENTENCE[1:].rstrip('.')}"
    return "this holds a character that cannot stand here"


async def _http(_request: Request, fault: Exception) -> JSONResponse:
    assert isinstance(fault, HTTPException)
    phrase = title(fault.status_code)
    response = answer(fault.status_code, phrase.lower().replace(" ", "_"), phrase.lower(), "see /api/docs")
    response.headers.update(fault.headers or {})
    return response


async def _unexpected(request: Request, fault: Exception) -> JSONResponse:
    last = traceback.extract_tb(fault.__traceback__)[-1]
    place = f"{last.filename.rpartition('/')[2]}:{last.lineno}"
    _log.error("request_crashed", method=request.method, path=request.url.path, kind=type(fault).__name__, place=place)
    return answer(500, "internal_error", "the server failed", "look at its log, and please report this")
