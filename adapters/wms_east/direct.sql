-- The WMS of 3PL East at rest, in neutral words. Scans tell X12 codes (element 1650, release 4030).

-- name: tables
create temp table wh_order (
    id bigint, code text, client_ref text, state text, received_at timestamptz, acked_at timestamptz
) on commit drop;
create temp table wh_order_line (order_id bigint, line integer, qty_picked numeric, qty_packed numeric) on commit drop;
create temp table wh_shipment (
    id bigint, code text, order_id bigint, tracking_no text, created_at timestamptz, shipped_at timestamptz,
    eta timestamptz, pod_at timestamptz, void boolean
) on commit drop;
create temp table wh_shipment_line (shipment_id bigint, line integer, sku text, qty numeric) on commit drop;
create temp table wh_carton (sscc text, shipment_id bigint, tracking_no text, weight_kg numeric) on commit drop;
create temp table wh_scan (
    id bigint, shipment_id bigint, code text, reason text, scanned_at timestamp, utc_offset text, city text,
    region text, received_at timestamptz
) on commit drop;
create temp table wh_stock (sku text, on_hand numeric, allocated numeric) on commit drop;

-- name: rows
insert into said_inventory
select current_setting('direct.source'), sku, on_hand, allocated from wh_stock;

insert into said_fulfillment_order
select current_setting('direct.source') || ':' || code, current_setting('direct.source'), code,
    case state when 'NEW' then 'RECEIVED' when 'ACK' then 'ACKNOWLEDGED' else state end,
    client_ref, received_at, acked_at
from wh_order;

insert into said_fulfillment_line
select current_setting('direct.source') || ':' || o.code, l.line::text, l.qty_picked, l.qty_packed
from wh_order_line l join wh_order o on o.id = l.order_id;

insert into said_shipment
select current_setting('direct.source') || ':' || s.code, current_setting('direct.source'), s.code,
    current_setting('direct.source') || ':' || o.code, s.tracking_no, s.created_at, s.shipped_at, null,
    s.eta, s.pod_at, s.void
from wh_shipment s join wh_order o on o.id = s.order_id;

insert into said_shipment_line
select current_setting('direct.source') || ':' || s.code, l.line::text, l.sku, l.qty
from wh_shipment_line l join wh_shipment s on s.id = l.shipment_id;

insert into said_package
select current_setting('direct.source') || ':' || c.sscc, current_setting('direct.source') || ':' || s.code,
    c.tracking_no, c.weight_kg
from wh_carton c join wh_shipment s on s.id = c.shipment_id;

-- A scan without an offset, or with one that is none, counts as UTC.
insert into said_scan
select current_setting('direct.source') || ':' || c.id, current_setting('direct.source') || ':' || s.code,
    c.code, c.reason, c.city, c.region, c.scanned_at,
    (c.scanned_at - case when c.utc_offset ~ '^[+-]\d\d:\d\d$' then c.utc_offset::interval else '0' end)
        at time zone 'UTC',
    c.received_at, c.id, m.milestone, m.overlay
from wh_scan c
join wh_shipment s on s.id = c.shipment_id
left join (values
    ('XB', 'CREATED', null), ('X3', 'CARRIER_AT_PICKUP', null), ('X8', 'CARRIER_AT_PICKUP', null),
    ('L1', 'LOADED', null), ('CP', 'LOADED', null), ('AM', 'LOADED', null), ('CL', 'LOADED', null),
    ('AF', 'PICKED_UP', null), ('X6', 'IN_TRANSIT', null), ('X4', 'AT_HUB', null), ('AR', 'AT_HUB', null),
    ('P1', 'DEPARTED_HUB', null), ('RL', 'DEPARTED_HUB', null),
    ('J1', 'HANDOFF', null), ('R1', 'HANDOFF', null), ('BA', 'HANDOFF', null),
    ('AI', 'REROUTED', null), ('AN', 'REROUTED', null),
    ('K1', 'CUSTOMS_HOLD', null), ('PR', 'CUSTOMS_HOLD', null), ('CT', 'CUSTOMS_CLEARED', null),
    ('AJ', 'OUT_FOR_DELIVERY', null), ('AV', 'READY_FOR_PICKUP', null), ('AW', 'READY_FOR_PICKUP', null),
    ('X1', 'ARRIVED_AT_CONSIGNEE', null), ('X5', 'ARRIVED_AT_CONSIGNEE', null), ('S1', 'ARRIVED_AT_CONSIGNEE', null),
    ('AH', 'DELIVERY_ATTEMPTED', null), ('AP', 'DELIVERY_ATTEMPTED', null), ('A7', 'REFUSED', null),
    ('PA', 'PARTIALLY_DELIVERED', null),
    ('D1', 'DELIVERED', null), ('CB', 'DELIVERED', null), ('CD', 'DELIVERED', null),
    ('A3', 'RETURNED', null), ('CA', 'CANCELLED', null),
    ('SD', null, 'DELAYED'), ('A9', null, 'DAMAGED'), ('BC', null, 'HELD')
) as m (code, milestone, overlay) on m.code = c.code;
