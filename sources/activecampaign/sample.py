"""The sample account: invented rows that this process answers itself, so that people can look around.

It speaks as the sandbox does, over no network: names that end with `.invalid` lead nowhere (RFC 2606), and no form
takes its address. Each has an address of its own, and with it a budget, and the day on which its history ends.
"""

import calendar
import re
import secrets
import time
from datetime import date
from functools import lru_cache

import httpx

from sources.activecampaign.sandbox.answering.account import Account
from sources.activecampaign.sandbox.answering.answers import read_call
from sources.activecampaign.sandbox.answering.keys import Keyring
from sources.activecampaign.sandbox.world.world import World, demo_key
from sources.spec import Credentials, Secret

ORIGIN = re.compile(r"https://(20\d\d)(\d\d)(\d\d)-[0-9a-f]{8}\.sample\.invalid")
CONTACTS, DEALS = 600, 120  # Some hundred calls, and a few seconds of a worker's time.
SEED = 14
KEPT_AT_ONCE = 4  # Worlds in one process; another one is drawn again within a moment.
HOUR_OF_END = 12  # UTC. The first sync comes later on that day or finds the rows of the morning.


def sample_credentials(until: date) -> Credentials:
    """Of a new sample account, in which things happened until that day."""
    return Credentials(
        api_url=f"https://{until:%Y%m%d}-{secrets.token_hex(4)}.sample.invalid", api_key=Secret(demo_key(SEED))
    )


def is_sample(origin: str) -> bool:
    return bool(ORIGIN.fullmatch(origin))


class SampleWire(httpx.BaseTransport):
    """Stands in for the network: hands each request to the account at its address."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        target = request.url.raw_path.decode()
        call = read_call(target, method=request.method, headers=headers, arrived=time.monotonic())
        answer = _account_at(f"https://{request.url.host}").answer(call)
        return httpx.Response(answer.status, headers={"content-type": answer.content_type}, content=answer.bytes())


@lru_cache(maxsize=KEPT_AT_ONCE)
def _account_at(origin: str) -> Account:
    found = ORIGIN.fullmatch(origin)
    if found is None:
        raise ValueError("Only a sample account is answered here.")
    ends = calendar.timegm((*map(int, found.groups()), HOUR_OF_END, 0, 0))
    world = World(contacts=CONTACTS, deals=DEALS, seed=SEED, origin=origin, ends=ends)
    keyring = Keyring()
    keyring.add(demo_key(SEED), user_id=world.first_ids("users")[0], admin=True)
    return Account(world, keyring)
