"""Shops that are connected to the account, with their customers and orders."""

from sources.activecampaign.sandbox.world import words
from sources.activecampaign.sandbox.world.columns import (
    changed,
    created,
    email,
    in_turn,
    of,
    one_of,
    same_as,
    shaped,
    share,
    tied,
)
from sources.activecampaign.sandbox.world.moments import iso
from sources.activecampaign.sandbox.world.resource import Drawing, Many, Row, WorldView, id_by_turns

CONNECTIONS = shaped(
    "connections",
    "connection",
    "Connection",
    {
        "service": "shopify",
        "externalid": "harbourtea.myshopify.example",
        "name": "Harbour Tea",
        "isInternal": "1",
        "status": "1",
        "syncStatus": "0",
        "lastSync": None,
        "logoUrl": "",
        "linkUrl": "",
        "listId": "0",
        "cdate": created,
        "udate": changed,
        "links": {},
        "id": "",
    },
    size=share(fixed=1),
    links=("customers",),
    stamps={"udate": iso},
)


def _is_of_all_shops(drawing: Drawing) -> bool:
    """Each customer has a second row that adds up all shops."""
    return drawing.position % 2 == 1


def _shop(drawing: Drawing) -> str | None:
    return None if _is_of_all_shops(drawing) else drawing.some_id("connections")


CUSTOMERS = shaped(
    "ecomCustomers",
    "ecomCustomer",
    "EcomCustomer",
    {
        "connectionid": lambda drawing: _shop(drawing) or "0",
        "externalid": lambda drawing: "0" if _is_of_all_shops(drawing) else f"c-{drawing.id}",
        "email": email,
        "totalRevenue": lambda drawing: str(900 * (1 + drawing.id % 9)),
        "totalOrders": "1",
        "totalProducts": "2",
        "avgRevenuePerOrder": same_as("totalRevenue"),
        "avgProductCategory": "Tea",
        "tstamp": changed,
        "links": {},
        "id": "",
        "connection": _shop,
    },
    size=share(contacts=1 / 5),
    links=("connection", "orders"),
    first_id=5,
    gaps=(2,),
    stamps={"tstamp": iso},
)

ORDERS = shaped(
    "ecomOrders",
    "ecomOrder",
    "EcomOrder",
    {
        "externalid": lambda drawing: str(90_000 + drawing.id),
        "source": "1",
        "email": email,
        "currency": "USD",
        "connectionid": of("connections"),
        "customerid": of("ecomCustomers"),
        "orderUrl": lambda drawing: f"https://shop.harbourtea.example/o/{90_000 + drawing.id}",
        "shippingMethod": "Post",
        "totalPrice": lambda drawing: 900 + drawing.number(9_000),
        "shippingAmount": 400,
        "taxAmount": 0,
        "discountAmount": one_of(0, 0, 150),
        "externalCreatedDate": created,
        "totalProducts": lambda drawing: 1 + drawing.number(4),
        "createdDate": created,
        "updatedDate": changed,
        "state": one_of(1, 1, 0, 2),
        "connection": same_as("connectionid"),
        "orderProducts": [],
        "customer": same_as("customerid"),
        "orderDate": same_as("externalCreatedDate"),
        "tstamp": changed,
        "links": {},
        "id": "",
    },
    size=share(contacts=1 / 4),
    links=("connection", "customer", "orderProducts", "orderDiscounts", "orderActivities"),
    first_id=6,
    lists={"orderProducts": Many(stream="ecomOrderProducts", column="order", envelope="ecomOrderProducts")},
    refers=("orderProducts",),
    stamps={"updatedDate": iso, "tstamp": iso},
)

PRODUCTS_EACH = 2


def outline_product(world: WorldView, place: int) -> Row:
    return {"order": id_by_turns(world, "ecomOrders", place // PRODUCTS_EACH)}


# Documented: of each order, and all of them.
ORDER_PRODUCTS = shaped(
    "ecomOrderProducts",
    "ecomOrderProduct",
    "EcomOrderProduct",
    {
        "orderid": lambda drawing: drawing.ties["order"],
        "connectionid": of("connections"),
        "externalid": lambda drawing: f"p-{drawing.id % 12}",
        "sku": lambda drawing: f"TEA-{drawing.id % 12:03d}",
        "name": in_turn(words.TEAS),
        "description": "",
        "price": lambda drawing: 450 + 50 * (drawing.id % 12),
        "quantity": lambda drawing: 1 + drawing.number(2),
        "category": one_of("Green", "Black", "Herbal"),
        "imageUrl": "",
        "productUrl": lambda drawing: f"https://shop.harbourtea.example/p/{drawing.id % 12}",
        "createdDate": created,
        "updatedDate": changed,
        "tstamp": changed,
        "order": tied("order"),
        "links": {},
        "id": "",
    },
    size=lambda contacts, deals: PRODUCTS_EACH * round(contacts / 4),
    gaps=(1,),
    outline=outline_product,
    owners={"order": "ecomOrders"},
    dies_with=("order",),
    stamps={"updatedDate": iso, "tstamp": iso},
)

ORDER_ACTIVITIES = shaped(
    "ecomOrderActivities",
    "ecomOrderActivity",
    "EcomOrderActivity",
    {"order": of("ecomOrders"), "orderid": same_as("order"), "type": one_of("placed", "shipped"), "tstamp": created,
     "createdDate": created, "updatedDate": changed},
    size=share(contacts=1 / 2),
    stamps={"tstamp": iso, "updatedDate": iso},
)  # fmt: skip

ALL = (CONNECTIONS, CUSTOMERS, ORDERS, ORDER_PRODUCTS, ORDER_ACTIVITIES)
