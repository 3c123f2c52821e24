"""A sale's life in Tryton, step by step, as its users click: each function is one step of one user."""

from collections.abc import Callable
from typing import Any

from proteus import Model

from demo.tryton.install import GOODS, one

Step = Callable[[str], str]
"""Takes the sale's number (empty for a new sale), returns what the step made: a number of Tryton's."""


def draft(number: str) -> str:
    """A sale that nobody has been quoted yet; it has no number, so its id comes back."""
    sale = Model.get("sale.sale")(party=one("party.party", ("name", "=", "Acme Supplies")))
    sale.payment_term = one("account.invoice.payment_term", ("name", "=", "Direct"))
    sale.invoice_method, sale.shipment_method, sale.reference = "fulfillment", "order", "PO-4711"
    line = sale.lines.new()
    line.product, line.quantity = one("product.product", ("code", "=", GOODS[0].code)), 10.0
    sale.save()
    return str(sale.id)


def quote(sale_id: str) -> str:
    """The sale gets its number."""
    sale = Model.get("sale.sale")(int(sale_id))
    sale.click("quote")
    return str(sale.number)


def confirm(number: str) -> str:
    """Tryton processes it at once: a shipment waits for goods."""
    sale(number).click("confirm")
    return number


def assign(number: str) -> str:
    """Goods in stock become the shipment's."""
    found = shipment(number, "waiting")
    found.click("assign_try")
    if found.state != "assigned":
        raise RuntimeError(f"shipment {found.number} cannot be assigned: is the stock used up?")
    return str(found.number)


def recount(number: str) -> str:
    """Only 7 of 10 are on the shelf: Tryton has the picker give the goods back, correct the list, and assign anew."""
    shipment(number, "assigned").click("wait")
    (move,) = shipment(number, "waiting").inventory_moves
    move.quantity = 7.0
    move.save()
    return assign(number)


def pick(number: str) -> str:
    found = shipment(number, "assigned")
    found.click("pick")
    return str(found.number)


def pack(number: str) -> str:
    """All goods into one package; the carrier's number goes onto it and onto the shipment."""
    found = shipment(number, "picked")
    package(found)
    found.carrier = one("carrier")
    found.shipping_reference = tracking(found)
    found.save()
    found.click("pack")
    return str(found.number)


def package(found: Any) -> None:
    kind = Model.get("stock.package.type").find([("name", "=", "Carton")]) or [carton()]
    parcel = found.packages.new(type=kind[0])
    parcel.shipping_reference = tracking(found)
    for move in found.outgoing_moves:
        parcel.moves.append(Model.get("stock.move")(move.id))
    found.save()


def carton() -> Any:
    kind = Model.get("stock.package.type")(name="Carton")
    kind.save()
    return kind


def tracking(found: Any) -> str:
    return f"1Z-{found.number}"


def ship(number: str) -> str:
    """It leaves the warehouse; what was short goes to a new shipment that waits."""
    found = shipment(number, "packed")
    found.click("ship")
    return str(found.number)


def complete(number: str) -> str:
    """The goods are the customer's; an invoice is drafted."""
    found = shipment(number, "shipped")
    found.click("do")
    return str(found.number)


def post_invoice(number: str) -> str:
    invoice = next(i for i in sale(number).invoices if i.state == "draft")
    invoice.click("post")
    return str(invoice.number)


def sale(number: str) -> Any:
    return one("sale.sale", ("number", "=", number))


def shipment(number: str, state: str) -> Any:
    """The sale's shipment in this state; StopIteration when there is none."""
    return next(found for found in sale(number).shipments if found.state == state)


STEPS: dict[str, Step] = {
    "draft": draft,
    "quote": quote,
    "confirm": confirm,
    "assign": assign,
    "recount": recount,
    "pick": pick,
    "pack": pack,
    "ship": ship,
    "complete": complete,
    "post_invoice": post_invoice,
}
