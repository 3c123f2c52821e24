"""The legacy ERP in canonical words. Its times are the head office's wall clock."""

from zoneinfo import ZoneInfo

from adapters.erp_legacy.codes import (
    CHANNELS,
    CHARGES,
    COMMERCIAL,
    HOLD_REASONS,
    OFFICE_ZONE,
    RETURN_REASONS,
    RETURN_STATES,
)
from adapters.reading import Columns, TableMapping, TableRule
from orders.facts import (
    Address,
    Allocation,
    Charge,
    Customer,
    Doc,
    DocKind,
    Fact,
    HoldEntry,
    Ident,
    Inventory,
    Invoice,
    InvoiceLine,
    OrderHeader,
    OrderLine,
    PickRelease,
    Posting,
    Product,
    ReturnHeader,
    ReturnLine,
    ShipmentLine,
    ShipTo,
)


def doc(row: Columns, kind: DocKind, number: str) -> Doc:
    return Doc(row.source, kind, number)


def of_order(row: Columns) -> Doc:
    return doc(row, DocKind.ORDER, row.id("ordno"))


def order_number(row: Columns) -> Ident:
    return Ident("order_number", row.id("ordno"))


def customer(key: str, row: Columns) -> Fact:
    number = row.id("cusno")
    return Fact(
        key=key,
        doc=doc(row, DocKind.CUSTOMER, number),
        body=Customer(number=number, name=row.id("cusnam"), active=row.id("custyp") == "A", currency=row.text("curcd")),
    )


def ship_to(key: str, row: Columns) -> Fact:
    number = row.id("cusno")
    return Fact(
        key=key,
        doc=doc(row, DocKind.CUSTOMER, number),
        body=ShipTo(
            id=f"{number}/{row.id('shtno')}",
            address=Address(
                name=row.id("shtnam"),
                street=row.id("adr1"),
                city=row.id("city"),
                region=row.id("stcd"),
                postal_code=row.id("zip"),
                country=row.id("ctry"),
            ),
        ),
    )


def item(key: str, row: Columns) -> Fact:
    sku = row.id("itmno")
    return Fact(
        key=key,
        doc=doc(row, DocKind.PRODUCT, sku),
        body=Product(sku=sku, description=row.id("itmdsc"), uom=row.id("uom").strip(), active=row.id("itmsts") == "A"),
    )


def order(key: str, row: Columns) -> Fact:
    number, hold = row.id("ordno"), row.text("hldcd")
    return Fact(
        key=key,
        doc=of_order(row),
        claims=(order_number(row),),
        body=OrderHeader(
            number=number,
            commercial=row.code("ordsts", COMMERCIAL),
            customer=row.text("cusno"),
            customer_po=row.reference("cuspo"),
            channel=row.code("ordsrc", CHANNELS),
            currency=row.id("curcd"),
            ordered_at=row.wall_clock("orddt"),
            accepted_at=row.wall_clock("accdt"),
            requested_on=row.day("reqdt"),
            promised_on=row.day("prmdt"),
            cancelled_at=row.wall_clock("cnldt"),
            held_at=row.wall_clock("hlddt") if hold else None,
            hold_reason=HOLD_REASONS.get(hold.strip(), hold) if hold else None,
            ship_to=f"{row.id('cusno')}/{row.id('shtno')}",
            warehouse=row.text("whs"),
            note=row.text("ordnte"),
        ),
    )


def line(key: str, row: Columns) -> Fact:
    return Fact(
        key=key,
        doc=of_order(row),
        body=OrderLine(
            line=row.id("linno"),
            sku=row.id("itmno"),
            uom=row.id("uom").strip(),
            ordered=row.quantity("qtyord"),
            unit_price=row.number("untprc"),
            cancelled=row.quantity("qtycnl"),
            backordered=row.quantity("qtybko"),
            closed_short=row.id("clscd") == "S",
            promised_on=row.day("prmdt"),
        ),
    )


def hold(key: str, row: Columns) -> Fact:
    code, at = row.text("hldcd"), row.wall_clock("hlddt")
    assert at is not None
    return Fact(
        key=key,
        doc=of_order(row),
        body=HoldEntry(
            held=row.id("actcd") == "H",
            reason=HOLD_REASONS.get(code.strip(), code) if code else None,
            note=row.text("hldnte"),
            user=row.id("usrid"),
            at=at,
            command=row.text("extref"),
        ),
    )


def allocation(key: str, row: Columns) -> Fact:
    return Fact(
        key=key,
        doc=of_order(row),
        body=Allocation(
            line=row.id("linno"), warehouse=row.id("whs"), quantity=row.quantity("qtyalc"), at=row.wall_clock("alcdt")
        ),
    )


def release(key: str, row: Columns) -> Fact:
    return Fact(
        key=key,
        doc=of_order(row),
        body=PickRelease(
            number=row.id("relno"),
            line=row.id("linno"),
            warehouse=row.id("whs"),
            quantity=row.quantity("qtyrel"),
            at=row.wall_clock("reldt"),
        ),
    )


def posting(key: str, row: Columns) -> Fact:
    return Fact(
        key=key,
        doc=doc(row, DocKind.POSTING, row.id("pstno")),
        belongs_to=order_number(row),
        body=Posting(
            number=row.id("pstno"),
            warehouse=row.text("whs"),
            partner_shipment=row.text("whsref"),
            carrier=row.text("carcd"),
            tracking=row.text("trkno"),
            shipped_at=row.wall_clock("shpdt"),
        ),
    )


def posting_line(key: str, row: Columns) -> Fact:
    return Fact(
        key=key,
        doc=doc(row, DocKind.POSTING, row.id("pstno")),
        body=ShipmentLine(line=row.id("linno"), sku=None, quantity=row.quantity("qtyshp")),
    )


def invoice(key: str, row: Columns) -> Fact:
    number, status = row.id("invno"), row.id("invsts")
    return Fact(
        key=key,
        doc=doc(row, DocKind.INVOICE, number),
        belongs_to=order_number(row),
        body=Invoice(
            number=number,
            credit=row.id("invtyp") == "C",
            issued_at=row.wall_clock("invdt"),
            due_on=row.day("duedt"),
            paid_at=row.wall_clock("paydt"),
            amount=row.quantity("invamt"),
            currency=row.id("curcd"),
            disputed=status == "D",
            void=status == "V",
        ),
    )


def invoice_line(key: str, row: Columns) -> Fact:
    return Fact(
        key=key,
        doc=doc(row, DocKind.INVOICE, row.id("invno")),
        body=InvoiceLine(line=row.id("linno"), quantity=row.quantity("qtyinv"), amount=row.quantity("extamt")),
    )


def goods_return(key: str, row: Columns) -> Fact:
    number = row.id("rmano")
    return Fact(
        key=key,
        doc=doc(row, DocKind.RETURN, number),
        belongs_to=order_number(row),
        body=ReturnHeader(
            number=number,
            state=row.code("rtnsts", RETURN_STATES),
            reason=RETURN_REASONS.get(row.id("rsncd").strip(), row.id("rsncd")),
            authorized_at=row.wall_clock("autdt"),
            received_at=row.wall_clock("rcvdt"),
            restocked_at=row.wall_clock("stkdt"),
            refunded_at=row.wall_clock("rfddt"),
        ),
    )


def return_line(key: str, row: Columns) -> Fact:
    return Fact(
        key=key,
        doc=doc(row, DocKind.RETURN, row.id("rmano")),
        body=ReturnLine(line=row.id("linno"), quantity=row.quantity("qtyrtn")),
    )


def balance(key: str, row: Columns) -> Fact:
    sku, warehouse = row.id("itmno"), row.id("whs").strip()
    return Fact(
        key=key,
        doc=doc(row, DocKind.INVENTORY, f"{sku}/{warehouse}"),
        body=Inventory(
            sku=sku,
            warehouse=warehouse,
            on_hand=row.quantity("qtyoh"),
            allocated=row.quantity("qtyal"),
            as_of=row.wall_clock("chgdt"),
        ),
    )


def charge(key: str, row: Columns) -> Fact:
    code = row.id("chgcd").strip()
    return Fact(
        key=key,
        doc=of_order(row),
        body=Charge(
            kind=CHARGES.get(code, code),
            amount=row.quantity("chgamt"),
            currency=row.id("curcd"),
            posting=row.text("pstno"),
            at=row.wall_clock("chgdt"),
        ),
    )


MAPPING = TableMapping(
    {
        "public.cusmst": TableRule("customer", ("cusno",), customer),
        "public.cussht": TableRule("ship_to", ("cusno", "shtno"), ship_to),
        "public.itmmst": TableRule("item", ("itmno",), item),
        "public.ordhdr": TableRule("order", ("ordno",), order),
        "public.ordlin": TableRule("line", ("ordno", "linno"), line),
        "public.ordhld": TableRule("hold", ("hldid",), hold),
        "public.alcdtl": TableRule("allocation", ("alcid",), allocation),
        "public.pckrel": TableRule("release", ("relno", "linno"), release),
        "public.shppst": TableRule("posting", ("pstno",), posting),
        "public.shppsl": TableRule("posting_line", ("pstno", "linno"), posting_line),
        "public.invhdr": TableRule("invoice", ("invno",), invoice),
        "public.invdtl": TableRule("invoice_line", ("invno", "seqno"), invoice_line),
        "public.rtnhdr": TableRule("return", ("rmano",), goods_return),
        "public.rtndtl": TableRule("return_line", ("rmano", "linno"), return_line),
        "public.invbal": TableRule("balance", ("itmno", "whs"), balance),
        "public.chgdtl": TableRule("charge", ("chgid",), charge),
    },
    zone=ZoneInfo(OFFICE_ZONE),
)
