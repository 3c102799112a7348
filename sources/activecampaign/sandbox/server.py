"""The sandbox server: one invented account on one port of this machine."""

import time
from collections.abc import Callable, Collection
from dataclasses import replace
from threading import Thread
from types import TracebackType
from typing import Any, Self

from sources.activecampaign.sandbox.answering.account import Account
from sources.activecampaign.sandbox.answering.answers import Answer, Call, recorded_headers, refusal
from sources.activecampaign.sandbox.answering.controls import Controls
from sources.activecampaign.sandbox.answering.conversation import Listener
from sources.activecampaign.sandbox.answering.delivery import SOUND, Reply
from sources.activecampaign.sandbox.answering.faults import Fault, Faults, make_fault
from sources.activecampaign.sandbox.answering.keys import Keyring
from sources.activecampaign.sandbox.answering.traffic import Admission, Traffic
from sources.activecampaign.sandbox.stirring.chaos import Chaos, Unrest
from sources.activecampaign.sandbox.stirring.neighbour import Calling
from sources.activecampaign.sandbox.world.habits import ALONE, USUAL, Habits, make_habits
from sources.activecampaign.sandbox.world.world import World, demo_key


class SandboxServer:
    """An ActiveCampaign account that listens from `start` (or `with`) to `stop`.

    `rate` is the calls that it accepts in any one second, 0 for no limit; `latency_ms` passes before each answer.
    `chaos` lets things go wrong by themselves, and `habits` are this account's own. Raises OSError when the port is
    taken.
    """

    def __init__(
        self,
        *,
        contacts: int = 250,
        deals: int = 40,
        latency_ms: float = 0,
        rate: int = 0,
        seed: int = 1,
        api_key: str = "",
        port: int = 0,
        chaos: Chaos | None = None,
        habits: Habits | None = None,
    ) -> None:
        self.api_key = api_key or demo_key(seed)
        self.latency_ms = latency_ms
        self._listener = Listener(port, reply=self._reply, answering=self._answering)
        self.origin = f"http://127.0.0.1:{self._listener.server_address[1]}"
        habits = habits or (ALONE if chaos else USUAL)
        self.world = World(contacts=contacts, deals=deals, seed=seed, origin=self.origin, habits=habits)
        self._keyring = Keyring()
        self._keyring.add(self.api_key, user_id=self.world.first_ids("users")[0], admin=True)
        self._account = Account(self.world, self._keyring)
        self._traffic = Traffic(rate=rate)
        self._faults = Faults()
        self._actions: list[Callable[[Call], None]] = []
        self._unrest = Unrest(chaos, self.world) if chaos else None
        self._neighbour = self._neighbour_of(chaos)
        self._controls = Controls(
            world=self.world, traffic=self._traffic, faults=self._faults, keyring=self._keyring, key=self.api_key
        )
        self._thread = Thread(target=self._listener.serve_forever, args=(0.01,), name="sandbox", daemon=True)

    def _neighbour_of(self, chaos: Chaos | None) -> Calling | None:
        if chaos is None or chaos.neighbour is None:
            return None
        return Calling(chaos.neighbour, admit=lambda caller: self._traffic.admit_other(caller).is_accepted)

    def start(self) -> Self:
        self._thread.start()
        if self._neighbour:
            self._neighbour.start()
        return self

    def stop(self) -> None:
        if self._neighbour:
            self._neighbour.stop()
        if self._thread.is_alive():
            self._listener.shutdown()
            self._thread.join()
        self._listener.hang_up()
        self._listener.server_close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def requests(self) -> list[Call]:
        """The API calls that arrived, rejected ones included, in their order."""
        return self._traffic.calls()

    def stats(self) -> dict[str, Any]:
        return self._traffic.stats()

    def reset(self) -> None:
        """Forget the calls and their counts; faults stay on."""
        self._traffic.reset()

    def fault(self, path: str = "*", *, kind: str = "", **wanted: Any) -> Fault:
        """Switch a misbehaviour on; see `Fault` for its fields, and `faults.KINDS` for ready ones."""
        return self._faults.add(make_fault(kind=kind, path=path, **wanted))

    def behave(self, **wanted: Any) -> None:
        """Change the account's habits; see `Habits` for what there is."""
        self.world.habits = make_habits(self.world.habits, **wanted)

    def clear_faults(self) -> None:
        self._faults.clear()

    def add_key(self, key: str, *, user_id: int, admin: bool = False, denied: Collection[str] = ()) -> None:
        """Let `key` in as that user, who may not read the streams in `denied`."""
        self._keyring.add(key, user_id=user_id, admin=admin, denied=denied)

    def revoke(self, key: str) -> None:
        self._keyring.revoke(key)

    def on_call(self, action: Callable[[Call], None]) -> None:
        """Run `action` before each accepted call is answered: so tests change the account in the middle of a walk."""
        self._actions.append(action)

    def _reply(self, call: Call, body: bytes) -> Reply:
        if not _is_of_the_api(call):
            return Reply(answer=self._controls.answer(call, body))
        if self._unrest:
            self._unrest.arrive(call, stopping=self._listener.stopping)
            call = replace(call, arrived=time.monotonic())
        admission = self._traffic.admit(call)
        fault = self._fault_for(call) if admission.is_accepted else SOUND
        answer = self._accepted(call, fault) if admission.is_accepted else _rejected()
        budget = {} if fault.replaces else _budget_headers(admission)
        answer = replace(answer, headers={**recorded_headers(), **budget, **answer.headers})
        return Reply(answer=answer, due=call.arrived + self.latency_ms / 1000, fault=fault)

    def _answering(self, call: Call) -> None:
        if _is_of_the_api(call):
            self._traffic.note_answer()

    def _fault_for(self, call: Call) -> Fault:
        """What a test switched on goes before what happens by itself."""
        return self._faults.next_for(call) or (self._unrest.fault(call) if self._unrest else SOUND)

    def _accepted(self, call: Call, fault: Fault) -> Answer:
        for action in self._actions:
            action(call)
        if self._unrest:
            self._unrest.stir(call)
        if fault.replaces:
            return fault.instead()
        answer = self._account.answer(fault.asks_instead(call), arrives=not fault.loses_the_answer)
        return fault.bend(answer, envelope=self._account.envelope_of(call.place))


def _is_of_the_api(call: Call) -> bool:
    return call.path.startswith("/api/3")


def _rejected() -> Answer:
    return refusal(429, "Too Many Requests", headers={"Retry-After": "1"})


def _budget_headers(admission: Admission) -> dict[str, str]:
    if admission.remaining is None:
        return {}
    return {"RateLimit-Limit": str(admission.limit), "RateLimit-Remaining": str(admission.remaining)}
