"""Custom fields of contacts, with the options to choose from."""

from sources.activecampaign.sandbox.world import words
from sources.activecampaign.sandbox.world.moments import iso
from sources.activecampaign.sandbox.world.resource import Drawing, Resource, Row

OPTIONS = tuple((index, label) for index, (_, _, labels) in enumerate(words.FIELDS) for label in labels)


def draw_field(drawing: Drawing) -> Row:
    position = drawing.position % len(words.FIELDS)
    title, kind, _ = words.FIELDS[position]
    options = drawing.world.first_ids("fieldOptions")
    relations = drawing.world.first_ids("fieldRels")
    return {
        "title": title,
        "type": kind,
        "perstag": title.upper().replace(" ", "_"),
        "ordernum": str(drawing.position + 1),
        "cdate": iso(drawing.created),
        "udate": iso(drawing.changed),
        "options": [str(options[index]) for index, (field, _) in enumerate(OPTIONS) if field == position],
        "relations": [str(relations[position])],
    }


def draw_option(drawing: Drawing) -> Row:
    field, label = OPTIONS[drawing.position % len(OPTIONS)]
    return {
        "field": str(drawing.world.first_ids("fields")[field]),
        "orderid": str(1 + words.FIELDS[field][2].index(label)),
        "value": label.partition(" ")[0].lower(),
        "label": label,
    }


def draw_relation(drawing: Drawing) -> Row:
    return {"field": str(drawing.world.first_ids("fields")[drawing.position % len(words.FIELDS)])}


FIELDS = Resource(
    path="fields",
    single="field",
    model="Field",
    shape={
        "title": "",
        "descript": "",
        "type": "text",
        "isrequired": "0",
        "perstag": "",
        "defval": None,
        "show_in_list": "0",
        "rows": "0",
        "cols": "0",
        "visible": "1",
        "service": "",
        "ordernum": "1",
        "cdate": "",
        "udate": "",
        "options": [],
        "relations": [],
        "links": {},
        "id": "",
    },
    draw=draw_field,
    size=lambda contacts, deals: len(words.FIELDS),
    links=("options", "relations"),
    first_id=6,
    sideloads=(("fieldOptions", "options"), ("fieldRels", "relations")),
    stamps={"udate": iso},
)

FIELD_OPTIONS = Resource(
    path="fieldOptions",
    single="fieldOption",
    model="FieldOption",
    shape={
        "field": "",
        "orderid": "1",
        "value": "",
        "label": "",
        "isdefault": "0",
        "cdate": None,
        "udate": None,
        "links": {},
        "id": "",
    },
    draw=draw_option,
    size=lambda contacts, deals: len(OPTIONS),
    links=("field",),
    first_id=21,
    is_listed=False,
)

FIELD_RELATIONS = Resource(
    path="fieldRels",
    single="fieldRel",
    model="FieldRel",
    shape={"field": "", "relid": "0", "dorder": "0", "cdate": None, "links": [], "id": ""},
    draw=draw_relation,
    size=lambda contacts, deals: len(words.FIELDS),
    links=None,
    first_id=8,
    is_listed=False,
)
