"""Makes a Tryton database: its modules, a company with accounts, a customer and a product in stock.

Runs where the dependency group `tryton` is. Importing it reads TRYTOND_DATABASE_URI: only `demo.tryton.child` does so.
"""

import os
import tempfile
import warnings
from decimal import Decimal
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from proteus import Model, config
from trytond import admin
from trytond.commandline import get_parser_admin
from trytond.modules.account.tests.tools import create_chart, create_fiscalyear, get_accounts
from trytond.modules.account_invoice.tests.tools import create_payment_term, set_fiscalyear_invoice_sequences
from trytond.modules.company.tests.tools import create_company

MODULES = ("sale", "account_invoice_stock", "stock_package_shipping")
"""Activated with all that they need."""

# Tryton warns of each URL that names a database.
warnings.filterwarnings("ignore", "The path specified in the URI")


class Goods(NamedTuple):
    code: str
    name: str
    price: Decimal
    stock: float


GOODS = (Goods("PUMP-40", "Pump, 40 l/min", Decimal("125.00"), 10_000.0),)


def install(dsn: str, password: str) -> None:
    """Fill an empty database; `password` is for Tryton's user admin."""
    activate(dsn, password)
    connect(dsn)
    company()
    trade()


def activate(dsn: str, password: str) -> None:
    with tempfile.NamedTemporaryFile("w") as secret:
        secret.write(password)
        secret.flush()
        os.environ["TRYTONPASSFILE"] = secret.name
        name = unquote(urlsplit(dsn).path.strip("/"))
        arguments = ["-d", name, "--email", "admin@example.com", "--activate-dependencies", "-u", *MODULES]
        admin.run(get_parser_admin().parse_args(arguments))


def connect(dsn: str) -> None:
    """All that follows in this process works on this database, as Tryton's user admin."""
    config.set_trytond(dsn)


def company() -> None:
    party = new("party.party", name="Milepost Trading")
    create_company(party=party)
    create_chart()
    fiscal_year = set_fiscalyear_invoice_sequences(create_fiscalyear())
    fiscal_year.click("create_period")


def trade() -> None:
    """A customer with an address, terms of payment, carriage, and goods on the shelf."""
    create_payment_term().save()
    customer()
    carrier()
    category = account_category()
    stock([(product(goods, category), goods.stock) for goods in GOODS])


def new(model: str, **values: Any) -> Any:
    record = Model.get(model)(**values)
    record.save()
    return record


def one(model: str, *clauses: Any) -> Any:
    """The record that there must be exactly one of."""
    (record,) = Model.get(model).find(list(clauses))
    return record


def customer() -> None:
    party = Model.get("party.party")(name="Acme Supplies")
    address = party.addresses[0] if party.addresses else party.addresses.new()
    address.street_unstructured = "12 Canal Street"
    address.city, address.postal_code = "Chicago", "60607"
    party.save()


def carrier() -> None:
    unit = one("product.uom", ("name", "=", "Unit"))
    template = Model.get("product.template")(name="Parcel service", type="service", default_uom=unit)
    template.list_price = Decimal(8)
    template.save()
    party = new("party.party", name="Parcel Express")
    new("carrier", party=party, carrier_product=template.products[0])


def account_category() -> Any:
    accounts = get_accounts()
    return new(
        "product.category",
        name="Goods",
        accounting=True,
        account_expense=accounts["expense"],
        account_revenue=accounts["revenue"],
    )


def product(goods: Goods, category: Any) -> Any:
    unit = one("product.uom", ("name", "=", "Unit"))
    template = Model.get("product.template")(name=goods.name, code=goods.code, type="goods", default_uom=unit)
    template.salable, template.list_price, template.account_category = True, goods.price, category
    template.save()
    return template.products[0]


def stock(quantities: list[tuple[Any, float]]) -> None:
    inventory = Model.get("stock.inventory")(location=one("stock.location", ("code", "=", "STO")))
    for item, quantity in quantities:
        inventory.lines.new(product=item, quantity=quantity, expected_quantity=0.0)
    inventory.save()
    inventory.click("confirm")
