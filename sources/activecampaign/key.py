"""What an API key may look like. No message repeats any of it."""

import re
import unicodedata

LEAST, MOST = 10, 255
MASK = re.compile(r"[•●∙·*.…xX_-]+|<?your[-_ ]?(?:api[-_ ]?)?(?:key|token)(?:[-_ ]?here)?>?", re.IGNORECASE)
HEADER = re.compile(r"(?:api[-_ ]?(?:token|key)|authorization|bearer|token|key)\s*[:=\s]", re.IGNORECASE)
URL = re.compile(r"[a-z][a-z0-9+.-]*://|www\.|[a-z0-9-]+\.(?:api-us\d|activehosted)\.com", re.IGNORECASE)
EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
PLAIN = re.compile(r"[A-Za-z0-9._~+/=-]+")

MESSAGES = {
    "not_text": "Enter the API key as text, once.",
    "empty": "Enter the API key.",
    "placeholder": "That is a stand-in, not a key. Copy the key itself from ActiveCampaign, Settings > Developer.",
    "control_char": "The key contains a line break or a hidden control character. Copy it again, in one piece.",
    "header_pasted": "Enter only the key itself, without the words in front of it.",
    "looks_like_url": "That is an address. The key stands below the URL in ActiveCampaign, Settings > Developer.",
    "looks_like_email": "That is an e-mail address. Copy the key from ActiveCampaign, Settings > Developer.",
    "non_ascii": "The key contains a character that keys do not have (it may be invisible). Copy it again.",
    "inner_space": "The key contains a space. Copy it again, in one piece.",
    "bad_char": "The key contains a character that keys do not have, such as a quotation mark or a comma.",
    "too_short": "That key is too short. Copy all of it.",
    "too_long": "That is too long for a key. Copy only the key.",
}


class RefusedKey(ValueError):
    """This text cannot be a key. Its message says what to do, without repeating any of it."""

    def __init__(self, code: str) -> None:
        super().__init__(MESSAGES[code])
        self.code = code
        self.message = MESSAGES[code]


def clean_key(typed: object) -> str:
    """The key without outer blanks. Raises RefusedKey."""
    if not isinstance(typed, str):
        raise RefusedKey("not_text")
    key = typed.strip()
    fault = _fault(key)
    if fault:
        raise RefusedKey(fault)
    return key


def _fault(key: str) -> str | None:
    """The first thing that is wrong, the most telling first: a pasted header also holds a space."""
    faults = {
        "empty": not key,
        "placeholder": bool(MASK.fullmatch(key)),
        "control_char": any(unicodedata.category(character) == "Cc" for character in key),
        "header_pasted": bool(HEADER.match(key)),
        "looks_like_url": bool(URL.match(key)),
        "looks_like_email": bool(EMAIL.fullmatch(key)),
        "non_ascii": not key.isascii(),
        "inner_space": " " in key,
        "bad_char": not PLAIN.fullmatch(key),
        "too_short": len(key) < LEAST,
        "too_long": len(key) > MOST,
    }
    return next((code for code, found in faults.items() if found), None)
