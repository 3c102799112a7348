"""Databases of landed versions, with rows in them: what an upgrade begins with."""

import base64
import hashlib
from pathlib import Path

FOLDER = Path(__file__).parent
VERSIONS = ("cc9cbcc", "deec3cb")
# Sealed with it is what a sandbox was told: it opens nothing else, and is made anew wherever it is needed.
KEY = base64.urlsafe_b64encode(hashlib.sha256(b"the key of the tests' old databases").digest()).decode()
ADDRESS, API_KEY = "https://harbourtea.api-us1.com", "0123456789abcdef" * 4 + "a1b2c3d4"
