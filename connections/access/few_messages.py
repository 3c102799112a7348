"""What a person is told on their next page waits in the session, which a loop that looks at no page must not fill."""

from typing import Any

from django.contrib.messages.storage.session import SessionStorage

MOST = 20


class FewMessages(SessionStorage):
    """The newest."""

    def _store(self, messages: list[Any], response: Any, *args: Any, **kwargs: Any) -> list[Any]:
        unstored: list[Any] = super()._store(messages[-MOST:], response, *args, **kwargs)  # type: ignore[misc]
        return unstored
