"""What can be chosen in contacts' custom fields: it comes beside the list of fields, and stays with each."""

from collections import defaultdict
from dataclasses import replace
from typing import Any

from sources.activecampaign.rows import Answer
from sources.spec import Row, Stream, TextRow, text_of

BESIDE = "fieldOptions"  # Custom fields of deals and accounts have theirs as a field of this name.


def with_options(stream: Stream, body: Row, answer: Answer) -> Answer:
    """The fields as they came, each with its own options as the last of its values, where the answer has any array.

    Values need them: forms store what an option is coded by, the app its label. Observed: AG, WW (A).
    """
    listed = body.get(BESIDE)
    if stream.key != "fields" or not isinstance(listed, list):
        return answer
    options = _by_field(listed)
    return replace(answer, rows={key: _with(row, options.get(key, [])) for key, row in answer.rows.items()})


def _by_field(listed: list[Any]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for option in listed:
        if isinstance(option, dict):
            found[str(option.get("field"))].append(option)
    return found


def _with(row: Row, options: list[Row]) -> Row:
    if BESIDE in row:
        return row
    text = f'{text_of(row)[:-1]},"{BESIDE}":[{",".join(map(text_of, options))}]}}'
    return TextRow({**row, BESIDE: options}, text)
