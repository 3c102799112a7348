"""The API keys that the sandbox accepts: each belongs to one user of the account."""

import hmac
from collections.abc import Collection
from dataclasses import dataclass
from threading import Lock


@dataclass(frozen=True, kw_only=True)
class KeyHolder:
    """`denied` are the streams that this user's permission group may not read."""

    user_id: int
    is_admin: bool
    denied: frozenset[str] = frozenset()


class Keyring:
    def __init__(self) -> None:
        self._holders: dict[str, KeyHolder] = {}
        self._lock = Lock()

    def add(self, key: str, *, user_id: int, admin: bool, denied: Collection[str] = ()) -> None:
        with self._lock:
            self._holders[key] = KeyHolder(user_id=user_id, is_admin=admin, denied=frozenset(denied))

    def revoke(self, key: str) -> None:
        """What a key comes to that was reset. Raises KeyError for a key that nobody has."""
        with self._lock:
            del self._holders[key]

    def holder(self, key: str) -> KeyHolder | None:
        with self._lock:
            return next((one for known, one in self._holders.items() if _is_same(known, key)), None)


def _is_same(known: str, given: str) -> bool:
    return hmac.compare_digest(known.encode(), given.encode())
