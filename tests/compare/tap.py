"""Starts the tap, in its own environment, as it is but for two checks: of https, and of private addresses.

With `--lists` it tells which list of the API each of its streams reads.
"""

import json
import sys

import tap_activecampaign
from tap_activecampaign import client, streams

client.is_api_url_valid = lambda api_url: True

if sys.argv[1:] == ["--lists"]:
    json.dump({name: stream.data_key for name, stream in streams.STREAMS.items()}, sys.stdout)
else:
    tap_activecampaign.main()
