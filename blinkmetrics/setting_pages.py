"""The table of settings as documents: `.env.example`, and the table in docs/operating.md."""

import textwrap
from pathlib import Path

from blinkmetrics.setting_table import SECTIONS, SETTINGS, Setting

HEAD = """\
# Every setting, with its default. The environment beats this file's copy (`.env`), which is never committed.
# `make run` writes a `.env` of its own with fresh secrets; copy this one for anything else: cp .env.example .env
# A `$` or `#` in a value is that character; a comment has a line of its own.
"""
TABLE_HEAD = "| setting | may be | default | what it does |\n|---|---|---|---|\n"


def as_example() -> str:
    """`.env.example`."""
    return HEAD + "".join(
        f"\n{f'# {title} ':-<114}\n\n" + "\n".join(map(as_lines, section)) for title, section in SECTIONS.items()
    )


def as_lines(setting: Setting) -> str:
    sentence = f"{setting.sentence[0].upper()}{setting.sentence[1:]}."
    comment = textwrap.fill(sentence, 118, initial_indent="# ", subsequent_indent="# ")
    make = f"# Make one: {setting.make}\n" if setting.make else ""
    return f"{comment}\n{make}#{setting.name}={setting.example or setting.default}\n"


def as_table() -> str:
    """The table in docs/operating.md."""
    return TABLE_HEAD + "".join(map(as_row, SETTINGS.values()))


def as_row(setting: Setting) -> str:
    default = setting.says or (f"`{setting.default}`" if setting.default else "none")
    return f"| `{setting.name}` | {setting.kind.words} | {default} | {setting.sentence} |\n"


def write_documents(root: Path) -> None:
    """What `make format` does."""
    (root / ".env.example").write_text(as_example())
    page = root / "docs" / "operating.md"
    before, _, after = page.read_text().partition(TABLE_HEAD)
    page.write_text(before + as_table() + after[after.index("\n\n") + 1 :])


if __name__ == "__main__":
    write_documents(Path(__file__).resolve().parent.parent)
