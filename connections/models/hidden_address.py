"""Takes an account's address out of stored JSON, and puts it back in the spelling that it had."""

import re
from collections.abc import Sequence
from functools import lru_cache

# Noncharacters, which text that people exchange does not hold. Where a text has the first all the same, an empty mark
# stands for it.
BEGIN, END = "\ufdd0", "\ufdd1"
# Stands in stored rows for the account's address, which the rows' links repeat and which is stored sealed alone.
ADDRESS_MARK = f"{BEGIN}address{END}"
SLASHED_MARK = f"{BEGIN}address/{END}"  # For `https:\/\/host`, as PHP writes it.
BEGIN_MARK = f"{BEGIN}{END}"
ANY_MARK = re.compile(f"{BEGIN}(?:address([./uU]+))?{END}")
# A letter, digit or sign that needs no escape. An honest answer has hardly any of these: accents are what is escaped.
ESCAPED_LETTER = re.compile(r"\\u00[2-7][0-9a-fA-F]")
LETTER = re.compile(r"\\u....|\\/|.")


def hide(text: str, address: str) -> str:
    """The JSON text with a mark for each spelling of the address. `show` gives back exactly the same text."""
    text = text.replace(BEGIN, BEGIN_MARK) if BEGIN in text else text
    host = address.partition("://")[2]
    if host in text:
        text = text.replace(address, ADDRESS_MARK).replace(address.replace("/", r"\/"), SLASHED_MARK)
    if host in text or ESCAPED_LETTER.search(text):
        text = _any_spelling(address).sub(_mark, text)
    return text


def hide_all(texts: Sequence[str], address: str) -> list[str]:
    """The same of many texts. What hardly any text holds is looked for in all at once."""
    together = "\n".join(texts)
    if BEGIN in together or ESCAPED_LETTER.search(together):
        return [hide(text, address) for text in texts]
    host, slashed = address.partition("://")[2], address.replace("/", r"\/")
    found = [text.replace(slashed, SLASHED_MARK).replace(address, ADDRESS_MARK) for text in texts]
    return [hide(text, address) if host in hidden else hidden for text, hidden in zip(texts, found, strict=True)]


def show(text: str, address: str) -> str:
    """The JSON text that `hide` was given."""
    if BEGIN not in text:
        return text
    text = text.replace(ADDRESS_MARK, address).replace(SLASHED_MARK, address.replace("/", r"\/"))
    if BEGIN not in text:
        return text
    return ANY_MARK.sub(lambda found: _spelled(address, found[1]) if found[1] else BEGIN, text)


@lru_cache(maxsize=128)
def _any_spelling(address: str) -> re.Pattern[str]:
    """Finds an escaped backslash, too, since what follows it is no escape; a group holds the address alone."""
    return re.compile(rf"\\\\|({''.join(map(_letter_in_any_spelling, address))})")


def _letter_in_any_spelling(letter: str) -> str:
    escaped_slash = r"|\\/" if letter == "/" else ""
    return rf"(?:{re.escape(letter)}|\\u(?i:{ord(letter):04x}){escaped_slash})"


def _mark(found: re.Match[str]) -> str:
    if not found[1]:
        return found[0]
    return f"{BEGIN}address{''.join(map(_sign_of, LETTER.findall(found[1])))}{END}"


def _sign_of(spelled: str) -> str:
    """How one letter is spelled: as itself, with a backslash, or by its number in small or capital digits."""
    match spelled:
        case r"\/":
            return "/"
        case str() if len(spelled) == 1:
            return "."
    return "u" if spelled == spelled.lower() else "U"


def _spelled(address: str, signs: str) -> str:
    if len(signs) != len(address):  # It was another address that was hidden; how this one would be spelled is unknown.
        return address
    return "".join(map(_letter_spelled, address, signs))


def _letter_spelled(letter: str, sign: str) -> str:
    match sign:
        case "u":
            return rf"\u{ord(letter):04x}"
        case "U":
            return rf"\u{ord(letter):04X}"
        case "/":
            return r"\/"
    return letter
