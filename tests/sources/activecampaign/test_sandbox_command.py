"""The command that serves the sandbox."""

import socket
from contextlib import suppress

import httpx
import pytest
from django.core.management import CommandError, call_command

from sources.activecampaign.sandbox.world.world import demo_key
from tests.sandbox_fixture import ask


def test_the_sandbox_refuses_to_start_without_debug(settings):
    settings.DEBUG = False

    with pytest.raises(CommandError, match="DEBUG=on only"):
        call_command("activecampaign_sandbox", "--port=0")


def test_a_taken_port_is_said(settings):
    settings.DEBUG = True
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        with pytest.raises(CommandError, match=f"Port {port} cannot be used"):
            call_command("activecampaign_sandbox", f"--port={port}")


def test_the_command_serves_an_account_and_stops_when_told(sandbox_process):
    sandbox = sandbox_process(contacts=120, deals=3, latency_ms=0, rate=0, seed=4)

    answer = ask(sandbox, "contacts", key=demo_key(4))
    sandbox.fault("deals", status=500)

    assert answer.json()["meta"]["total"] == "120"
    assert ask(sandbox, "deals").status_code == 500
    assert sandbox.stats()["by_path"] == {"/api/3/contacts": 1, "/api/3/deals": 1}
    sandbox.reset()
    assert sandbox.stats()["requests"] == 0
    assert sandbox.stop() == 0


def test_the_command_takes_a_key_and_rows_from_outside(sandbox_process):
    sandbox = sandbox_process(contacts=10, latency_ms=0, api_key="a-key-of-my-own-0123456789")

    added = sandbox.insert("contacts", firstName="Noa")
    sandbox.change("contacts", added, lastName="Levi")
    first = ask(sandbox, "contacts").json()["contacts"][0]["id"]
    sandbox.remove("contacts", first)
    sandbox.behave(moving=[])
    tagged, _ = sandbox.do_all(
        [
            {"insert": "contactTags", "columns": {"contact": added}, "moment": 1_900_000_000},
            {"change": "contacts", "id": added, "columns": {"phone": "+1"}, "moment": 1_900_000_060},
        ]
    )

    rows = ask(sandbox, "contacts").json()["contacts"]
    assert (rows[-1]["firstName"], rows[-1]["lastName"]) == ("Noa", "Levi")
    assert len(rows) == 10
    assert first not in {row["id"] for row in rows}
    assert (rows[-1]["phone"], rows[-1]["udate"]) == ("+1", "2030-03-17T12:47:40-05:00")
    assert ask(sandbox, f"contacts/{added}/contactTags").json()["contactTags"][-1]["id"] == tagged["id"]


def test_the_command_lets_a_seeded_world_loose_and_tells_its_history(sandbox_process):
    sandbox = sandbox_process(contacts=300, latency_ms=0, rate=5, chaos=3, neighbour="rude", jitter_ms=1)
    mark = sandbox.history("contacts")["mark"]

    sandbox.insert("contacts", firstName="Noa")
    history = {"shown": {}}
    for offset in range(200):  # The neighbour takes most of the seconds; a slow machine leaves us few of its gaps.
        if history["shown"] and history["mark"] > mark:
            break
        ask_patiently(sandbox, offset)
        history = sandbox.history("contacts", since=mark)

    assert history["mark"] > mark
    assert 0 < len(history["lasting"]) <= 300
    assert history["shown"]
    assert sandbox.stats()["callers"]["neighbour"]["requests"] > 0


def ask_patiently(sandbox, offset):
    with suppress(httpx.TransportError):
        ask(sandbox, "contacts", limit=10, offset=offset)


def test_the_command_takes_a_neighbour_and_jitter_without_a_seed(sandbox_process):
    sandbox = sandbox_process(contacts=30, latency_ms=0, rate=5, neighbour="polite", jitter_ms=1)

    before = sandbox.history("contacts")["mark"]
    ask(sandbox, "contacts")

    assert sandbox.history("contacts")["mark"] == before == 0
    assert set(sandbox.stats()["callers"]) == {"neighbour", "ours"}
    assert httpx.get(f"{sandbox.origin}/__history?stream=nothing", trust_env=False).status_code == 400


def test_the_command_takes_keys_from_outside(sandbox_process):
    sandbox = sandbox_process(contacts=10, latency_ms=0, rate=0)

    sandbox.add_key("tomeks-key-0123456789", user_id=4, denied=["deals"])
    assert ask(sandbox, "users/me", key="tomeks-key-0123456789").json()["user"]["firstName"] == "Tomek"
    assert ask(sandbox, "deals", key="tomeks-key-0123456789").status_code == 403

    sandbox.revoke("tomeks-key-0123456789")
    assert ask(sandbox, "users/me", key="tomeks-key-0123456789").status_code == 403


def test_an_interrupt_from_the_keyboard_is_a_clean_stop_too(sandbox_process):
    sandbox = sandbox_process(contacts=1)

    assert sandbox.interrupt() == 0
