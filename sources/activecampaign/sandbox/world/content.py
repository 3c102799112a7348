"""What people wrote and set up: messages, forms, segments, scores and notes."""

from sources.activecampaign.sandbox.world import words
from sources.activecampaign.sandbox.world.mailings import count_campaigns
from sources.activecampaign.sandbox.world.moments import iso, plain
from sources.activecampaign.sandbox.world.resource import Drawing, Many, Resource, Row, WorldView, id_by_turns
from sources.activecampaign.sandbox.world.ties import Spread

CONTACT_SCORES = sum(kind == "contact" for kind, _ in words.SCORES)  # They come first.
TEXT = "Dear tea drinker,\n\nthe {tea} has landed. It is light, a little floral, and gone by Friday.\n"


def draw_message(drawing: Drawing) -> Row:
    user, tea = drawing.some_id("users"), drawing.pick(words.TEAS)
    text = TEXT.format(tea=tea)
    return {
        "userid": user,
        "user": user,
        "cdate": iso(drawing.created),
        "mdate": iso(drawing.changed),
        "subject": drawing.pick(words.CAMPAIGNS).format(tea=tea),
        "text": text,
        "html": f"<html><body><p>{text}</p></body></html>",
    }


MESSAGES = Resource(
    path="messages",
    single="message",
    model="Message",
    shape={
        "userid": "",
        "ed_instanceid": "0",
        "ed_version": "1",
        "cdate": "",
        "mdate": "",
        "name": "",
        "fromname": "Harbour Tea",
        "fromemail": "hello@harbourtea.example",
        "reply2": "hello@harbourtea.example",
        "priority": "3",
        "charset": "utf-8",
        "encoding": "quoted-printable",
        "format": "mime",
        "subject": "",
        "preheader_text": "",
        "text": "",
        "html": "",
        "htmlfetch": "now",
        "textfetch": "now",
        "hidden": "0",
        "preview_mime": "",
        "preview_data": None,
        "links": {},
        "id": "",
        "user": "",
    },
    draw=draw_message,
    size=lambda contacts, deals: count_campaigns(contacts),
    links=("user",),
    first_id=58,
    stamps={"mdate": iso},
)


def draw_form(drawing: Drawing) -> Row:
    """Forms have many shapes: what holds an object in one holds an empty list in the next."""
    action = {"type": "subscribe-to-list", "email": "", "list": drawing.some_id("lists")}
    return {
        "name": words.FORMS[drawing.position % len(words.FORMS)],
        "actiondata": [] if drawing.chance(0.2) else {"actions": [action]},
        "submitdata": [] if drawing.chance(0.2) else {"url": ""},
        "style": _style(drawing),
        "userid": drawing.some_id("users"),
        "cdate": iso(drawing.created),
        "udate": iso(drawing.changed),
        "entries": str(drawing.number(900)),
    }


def _style(drawing: Drawing) -> Row:
    padding = drawing.pick((10, "10px", {"top": 4, "bottom": 4}))
    return {"background": "FFFFFF", "dark": True, "border": {"width": 0}, "button": {"padding": padding}}


FORMS = Resource(
    path="forms",
    single="form",
    model="Form",
    shape={
        "name": "",
        "action": "",
        "actiondata": {},
        "submit": "show-thank-you",
        "submitdata": {},
        "url": "",
        "layout": "inline-form",
        "title": "",
        "body": "",
        "button": "Submit",
        "thanks": "Thanks!",
        "style": {},
        "options": {"blanks_overwrite": True, "confform": "2"},
        "cfields": [{"header": "Email", "type": "email", "required": True}],
        "parentformid": "0",
        "userid": "",
        "addressid": "0",
        "cdate": "",
        "udate": "",
        "entries": "0",
        "aid": "0",
        "defaultscreenshot": "//img-us1.com/default-form.gif",
        "recent": [],
        "contacts": 0,
        "deals": 0,
        "links": {},
        "id": "",
        "address": None,
    },
    draw=draw_form,
    size=lambda contacts, deals: len(words.FORMS),
    links=("address",),
    stamps={"udate": iso},
)


def draw_segment(drawing: Drawing) -> Row:
    return {
        "name": drawing.pick(words.SEGMENTS),
        "logic": drawing.pick(("and", "or")),
        "created_timestamp": plain(drawing.created),
        "updated_timestamp": plain(drawing.changed),
    }


SEGMENTS = Resource(
    path="segments",
    single="segment",
    model="Segment",
    shape={
        "name": "",
        "logic": "and",
        "hidden": "0",
        "seriesid": "0",
        "created_timestamp": "",
        "updated_timestamp": "",
        "created_by": None,
        "updated_by": None,
        "links": [],
        "id": "",
    },
    draw=draw_segment,
    size=lambda contacts, deals: 9,
    links=None,
    first_id=4,
    stamps={"updated_timestamp": plain},
)


def draw_score(drawing: Drawing) -> Row:
    reltype, name = words.SCORES[drawing.position % len(words.SCORES)]
    return {"reltype": reltype, "name": name, "cdate": iso(drawing.created), "mdate": iso(drawing.changed)}


SCORES = Resource(
    path="scores",
    single="score",
    model="Score",
    shape={
        "reltype": "contact",
        "name": "",
        "descript": "",
        "status": "1",
        "cdate": "",
        "mdate": "",
        "links": [],
        "id": "",
    },
    draw=draw_score,
    lists={"scoreValues": Many(stream="scoreValues", column="score")},
    size=lambda contacts, deals: len(words.SCORES),
    links=None,
    first_id=2,
    stamps={"mdate": iso},
)


def outline_score_value(world: WorldView, place: int) -> Row:
    return {"score": id_by_turns(world, "scores", place % CONTACT_SCORES)}


def draw_score_value(drawing: Drawing) -> Row:
    return {
        **drawing.ties,
        "scoreValue": str(drawing.number(90)),
        "cdate": iso(drawing.created),
        "mdate": iso(drawing.changed),
    }


# Recorded: it comes along with every page of contacts, asked for or not. Of deals' scores no row was seen.
SCORE_VALUES = Resource(
    path="scoreValues",
    single="scoreValue",
    model="ScoreValue",
    shape={
        "score": "",
        "contact": "",
        "deal": None,
        "scoreValue": "0",
        "cdate": "",
        "mdate": "",
        "links": {},
        "id": "",
    },
    draw=draw_score_value,
    size=lambda contacts, deals: contacts // 20,
    links=("score", "contact", "deal"),
    first_id=71,
    spread={"contact": Spread("contacts", shift=1)},
    outline=outline_score_value,
    owners={"score": "scores"},
    moves=("contact",),
    dies_with=("contact", "score"),
    stamps={"mdate": iso},
    is_listed=False,
)


def draw_note(drawing: Drawing) -> Row:
    user = drawing.some_id("users")
    is_deals = drawing.chance(0.3)
    relation = drawing.some_id("deals" if is_deals else "contacts")
    return {
        "relid": relation,
        "reltype": "Deal" if is_deals else "Subscriber",
        "userid": user,
        "user": user,
        "owner": {"type": "deal" if is_deals else "contact", "id": relation},
        "cdate": iso(drawing.created),
        "mdate": iso(drawing.changed),
        "note": drawing.pick(words.NOTES).format(tea=drawing.pick(words.TEAS)),
    }


NOTES = Resource(
    path="notes",
    single="note",
    model="Note",
    shape={
        "relid": "",
        "reltype": "Subscriber",
        "userid": "",
        "is_draft": "0",
        "cdate": "",
        "mdate": "",
        "note": "",
        "links": {},
        "id": "",
        "user": "",
        "owner": {},
    },
    draw=draw_note,
    size=lambda contacts, deals: contacts // 10,
    links=("activities", "user", "mentions", "notes", "owner"),
    first_id=5,
    stamps={"mdate": iso},
    total_is_number=True,
)
