"""The switches of a running demo, from outside: what is on, and turning it on and off."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

from mcptop.demo import switches
from mcptop.demo.faults.catalogue import FAULTS
from mcptop.demo.faults.fault import Dose, Fault, FaultError

_ANSWER_S = 15.0


class Switchboard:
    """Turns the faults of one running demo on and off."""

    def __init__(self, folder: Path, stack: Any = None) -> None:
        """`stack`: what faults that are done to containers act on; None without Docker."""
        self._folder = folder
        self._stack = stack
        self._on_stack: dict[str, _Held] = {}

    def available(self) -> tuple[Fault, ...]:
        """Those this demo can show."""
        return tuple(fault for fault in FAULTS if self._stack is not None or not fault.needs_docker)

    def switches(self) -> tuple[Switch, ...]:
        """One for each."""
        return tuple(Switch(self, fault) for fault in self.available())

    def is_on(self, fault: Fault) -> bool:
        """Whether it was asked for."""
        if fault.on_stack:
            return fault.name in self._on_stack
        return fault.name in switches.read(self._folder / fault.service / switches.WANTED)

    def turn_on(self, fault: Fault, dose: dict[str, Dose]) -> None:
        """Return once it is on. Raises `FaultError`."""
        if fault.needs_docker and self._stack is None:
            raise FaultError(f"fault {fault.name} needs containers: start the demo with --docker")
        if fault.on_stack:
            self._on_stack[fault.name] = _Held(fault.inject(self._stack, **dose))
            return
        self._want(fault, lambda wanted: {**wanted, fault.name: dose})
        self._await(fault, "on")

    def turn_off(self, fault: Fault) -> None:
        """Return once everything is put back. Raises `FaultError`."""
        if fault.on_stack:
            if held := self._on_stack.pop(fault.name, None):
                held.end()
            return
        self._want(fault, lambda wanted: {name: dose for name, dose in wanted.items() if name != fault.name})
        self._await(fault, None)

    def _want(self, fault: Fault, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        path = self._folder / fault.service / switches.WANTED
        switches.write(path, change(switches.read(path)))

    def _await(self, fault: Fault, state: str | None) -> None:
        path = self._folder / fault.service / switches.PRESENT
        deadline = time.monotonic() + _ANSWER_S
        while (found := switches.read(path).get(fault.name)) != state:
            if found is not None and found.startswith("failed"):
                raise FaultError(f"fault {fault.name}: {fault.service} says {found}")
            if time.monotonic() > deadline:
                raise FaultError(f"fault {fault.name}: {fault.service} did not answer within {_ANSWER_S:.0f} s")
            time.sleep(0.05)


class Switch:
    """One fault on its board, in the form a palette wants."""

    def __init__(self, board: Switchboard, fault: Fault) -> None:
        self._board = board
        self._fault = fault
        self.name = fault.name
        self.says = f"{fault.service}: {fault.says}"

    @property
    def is_on(self) -> bool:
        """Whether it is on, or will be in a moment."""
        return self._board.is_on(self._fault)

    def turn(self) -> str:
        """On if it was off, off if it was on; what happened, in a sentence. Blocks. Raises `FaultError`."""
        fault = self._fault
        if self.is_on:
            self._board.turn_off(fault)
            return f"{fault.name} is off"
        self._board.turn_on(fault, dict(fault.params))
        return f"{fault.name} is on in {fault.service}: {fault.shows}"


class _Held:
    """An async context held open on a thread of its own. Raises `FaultError` if it cannot be entered."""

    def __init__(self, context: AbstractAsyncContextManager[None]) -> None:
        self._context = context
        self._loop = asyncio.new_event_loop()
        self._off = asyncio.Event()
        self._entered = threading.Event()
        self._problem: Exception | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self._entered.wait()
        if self._problem:
            raise FaultError(str(self._problem)) from self._problem

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._hold())
        except Exception as problem:
            self._problem = problem
        finally:
            self._entered.set()
            self._loop.close()

    async def _hold(self) -> None:
        async with self._context:
            self._entered.set()
            await self._off.wait()

    def end(self) -> None:
        """Leave the context. Raises `FaultError`."""
        self._loop.call_soon_threadsafe(self._off.set)
        self._thread.join()
        if self._problem:
            raise FaultError(str(self._problem)) from self._problem
