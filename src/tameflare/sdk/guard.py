"""The decorator that lets a function run only if the action is allowed."""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from tameflare.sdk.calls import encode
from tameflare.sdk.errors import ActionChanged, ConfigurationError, Conflict, TameFlareError

if TYPE_CHECKING:
    from tameflare.sdk.answers import Decision
    from tameflare.sdk.async_client import AsyncClient
    from tameflare.sdk.client import Client

F = TypeVar("F", bound=Callable[..., Any])
Arguments: TypeAlias = Mapping[str, Any]
Resource: TypeAlias = Mapping[str, Any] | Callable[[Arguments], Mapping[str, Any]] | None
Parameters: TypeAlias = Sequence[str] | Callable[[Arguments], Mapping[str, Any]] | None


@dataclass(frozen=True, slots=True)
class Guard:
    """What stands in the decorator."""

    type: str
    resource: Resource
    parameters: Parameters
    wait: bool | float
    verify: bool
    otherwise: Callable[[TameFlareError], Any] | None


@dataclass(frozen=True, slots=True)
class _Action:
    """An action as one call of the function stands for it."""

    type: str
    resource: Mapping[str, Any]
    parameters: Mapping[str, Any]

    @property
    def fields(self) -> dict[str, Any]:
        return {"resource": self.resource, "parameters": self.parameters}

    def frozen(self) -> bytes:
        return encode({"type": self.type, **self.fields})


class _Reader:
    """Makes actions of calls of one function."""

    def __init__(self, guard: Guard, function: Callable[..., Any]) -> None:
        self._guard = guard
        self._signature = inspect.signature(function)
        names = list(self._signature.parameters)
        self._own = names[0] if names and names[0] in {"self", "cls"} else None
        if isinstance(guard.parameters, str):
            raise ConfigurationError("`parameters` is a list of names", help=f"write [{guard.parameters!r}]")
        if isinstance(guard.parameters, Sequence):
            unknown = [name for name in guard.parameters if name not in names]
            if unknown:
                raise ConfigurationError(f"`{function.__name__}` has no argument `{unknown[0]}`")

    def action(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> _Action:
        """Raises TypeError for a call that does not fit the function, as the function itself would."""
        arguments = self._arguments(args, kwargs)
        resource = self._guard.resource
        found = resource(arguments) if callable(resource) else resource
        return _Action(self._guard.type, found or {}, self._parameters(arguments))

    def _arguments(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        bound = self._signature.bind(*args, **kwargs)
        bound.apply_defaults()
        found: dict[str, Any] = {}
        for name, value in bound.arguments.items():
            kind = self._signature.parameters[name].kind
            if kind is inspect.Parameter.VAR_KEYWORD:
                found |= value
            elif name != self._own:
                found[name] = value
        return found

    def _parameters(self, arguments: dict[str, Any]) -> Mapping[str, Any]:
        chosen = self._guard.parameters
        if chosen is None:
            return arguments
        if callable(chosen):
            return chosen(arguments)
        return {name: arguments[name] for name in chosen}


class _Gate:
    """The passage of one call: what it stood for before people were asked, and whether it still does."""

    def __init__(self, reader: _Reader, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self._reader, self._args, self._kwargs = reader, args, kwargs
        self.action = reader.action(args, kwargs)
        self._before = self.action.frozen()

    def same(self, decision: Decision) -> None:
        """Raises ActionChanged."""
        if self._reader.action(self._args, self._kwargs).frozen() != self._before:
            raise ActionChanged("an argument was changed while the decision was made", decision)


def guarded(client: Client, guard: Guard) -> Callable[[F], F]:
    """The decorator of the synchronous client; a function that is awaited waits in a thread."""

    def decorate(function: F) -> F:
        reader = _Reader(guard, function)

        def pass_(*args: Any, **kwargs: Any) -> None:
            gate = _Gate(reader, args, kwargs)
            decision = client.request_action(guard.type, wait=guard.wait, **gate.action.fields)
            gate.same(decision)
            if guard.verify:
                _used_up(lambda token: client.verify(token, guard.type, **gate.action.fields), decision)

        if _is_awaited(function):

            async def pass_in_thread(*args: Any, **kwargs: Any) -> None:
                await asyncio.to_thread(pass_, *args, **kwargs)

            return _wrapped_async(function, pass_in_thread, guard)

        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            try:
                pass_(*args, **kwargs)
            except TameFlareError as fault:
                return _otherwise(guard, fault)
            return function(*args, **kwargs)

        return wrapper  # type: ignore[return-value]

    return decorate


def guarded_async(client: AsyncClient, guard: Guard) -> Callable[[F], F]:
    """The decorator of the asynchronous client. Raises ConfigurationError for a function that is not awaited."""

    def decorate(function: F) -> F:
        if not _is_awaited(function):
            raise ConfigurationError(
                f"`{getattr(function, '__name__', function)}` is not awaited",
                help="guard it with the synchronous Client",
            )
        reader = _Reader(guard, function)

        async def pass_(*args: Any, **kwargs: Any) -> None:
            gate = _Gate(reader, args, kwargs)
            decision = await client.request_action(guard.type, wait=guard.wait, **gate.action.fields)
            gate.same(decision)
            if guard.verify:
                await _used_up_async(lambda token: client.verify(token, guard.type, **gate.action.fields), decision)

        return _wrapped_async(function, pass_, guard)

    return decorate


def _wrapped_async(function: F, pass_: Callable[..., Any], guard: Guard) -> F:
    if inspect.isasyncgenfunction(function):

        @functools.wraps(function)
        async def generator(*args: Any, **kwargs: Any) -> AsyncIterator[Any]:
            await pass_(*args, **kwargs)
            async for item in function(*args, **kwargs):
                yield item

        return generator  # type: ignore[return-value]

    @functools.wraps(function)
    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        try:
            await pass_(*args, **kwargs)
        except TameFlareError as fault:
            return _otherwise(guard, fault)
        return await function(*args, **kwargs)

    return wrapper  # type: ignore[return-value]


def _used_up(verify: Callable[[Any], Any], decision: Decision) -> None:
    """Raises ActionChanged where the permission was used already, or there is none to use."""
    try:
        verify(_token(decision))
    except Conflict as fault:
        raise ActionChanged(fault.message, decision, code=fault.code, request_id=fault.request_id) from None


async def _used_up_async(verify: Callable[[Any], Any], decision: Decision) -> None:
    try:
        await verify(_token(decision))
    except Conflict as fault:
        raise ActionChanged(fault.message, decision, code=fault.code, request_id=fault.request_id) from None


def _token(decision: Decision) -> Any:
    if decision.decision_token is None:
        raise ActionChanged("the server gave no decision token", decision, code="no_token")
    return decision.decision_token


def _is_awaited(function: Callable[..., Any]) -> bool:
    return inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function)


def _otherwise(guard: Guard, fault: TameFlareError) -> Any:
    if guard.otherwise is None:
        raise fault
    return guard.otherwise(fault)
