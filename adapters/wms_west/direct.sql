-- The WMS of 3PL West at rest, in neutral words. Its times are those of the clock on its wall, in Los Angeles; one that it
-- shows twice, or never, is standard time.

-- name: tables
create temp table outbound (
    outbound_id bigint, doc_no text, customer_ref text, stage text, entered_on timestamp, confirmed_on timestamp
) on commit drop;
create temp table outbound_item (outbound_id bigint, pos smallint, picked numeric, packed numeric) on commit drop;
create temp table dispatch (
    dispatch_id bigint, doc_no text, outbound_id bigint, consignment text, made_on timestamp, left_on timestamp,
    expected_on timestamp, signed_on timestamp, is_void smallint
) on commit drop;
create temp table dispatch_item (dispatch_id bigint, pos smallint, article text, amount numeric) on commit drop;
create temp table handling_unit (sscc text, dispatch_id bigint, consignment text, grams integer) on commit drop;
create temp table tracking_event (
    event_id bigint, dispatch_id bigint, status text, happened_on timestamp, utc_minutes smallint, town text,
    state text, heard_on timestamp
) on commit drop;
create temp table article_stock (article text, in_hand numeric, reserved numeric) on commit drop;

-- name: rows
insert into said_inventory
select current_setting('direct.source'), article, in_hand, reserved from article_stock;

insert into said_fulfillment_order
select current_setting('direct.source') || ':' || doc_no, current_setting('direct.source'), doc_no,
    case trim(stage)
        when '10' then 'RECEIVED' when '15' then 'ACKNOWLEDGED' when '20' then 'PICKING' when '30' then 'PICKED'
        when '40' then 'PACKED' when '50' then 'SHIPPED' when '80' then 'SHORT' when '90' then 'CANCELLED'
    end,
    trim(customer_ref), entered_on at time zone 'America/Los_Angeles', confirmed_on at time zone 'America/Los_Angeles'
from outbound;

insert into said_fulfillment_line
select current_setting('direct.source') || ':' || o.doc_no, i.pos::text, i.picked, i.packed
from outbound_item i join outbound o using (outbound_id);

insert into said_shipment
select current_setting('direct.source') || ':' || d.doc_no, current_setting('direct.source'), d.doc_no,
    current_setting('direct.source') || ':' || o.doc_no, d.consignment, d.made_on at time zone 'America/Los_Angeles',
    d.left_on at time zone 'America/Los_Angeles', null, d.expected_on at time zone 'America/Los_Angeles',
    d.signed_on at time zone 'America/Los_Angeles',
    d.is_void <> 0
from dispatch d join outbound o using (outbound_id);

insert into said_shipment_line
select current_setting('direct.source') || ':' || d.doc_no, i.pos::text, i.article, i.amount
from dispatch_item i join dispatch d using (dispatch_id);

insert into said_package
select current_setting('direct.source') || ':' || u.sscc, current_setting('direct.source') || ':' || d.doc_no,
    u.consignment, u.grams / 1000.0
from handling_unit u join dispatch d using (dispatch_id);

-- An event without an offset counts as UTC.
insert into said_scan
select current_setting('direct.source') || ':' || e.event_id, current_setting('direct.source') || ':' || d.doc_no,
    trim(e.status), null, e.town, e.state, e.happened_on,
    (e.happened_on - coalesce(e.utc_minutes, 0) * interval '1 minute') at time zone 'UTC',
    e.heard_on at time zone 'America/Los_Angeles', e.event_id, m.milestone, m.overlay
from tracking_event e
join dispatch d using (dispatch_id)
left join (values
    ('MAN', 'CREATED', null), ('COL', 'PICKED_UP', null), ('TRN', 'IN_TRANSIT', null), ('HUB', 'AT_HUB', null),
    ('OFD', 'OUT_FOR_DELIVERY', null), ('ATT', 'DELIVERY_ATTEMPTED', null), ('REF', 'REFUSED', null),
    ('POD', 'DELIVERED', null), ('RTS', 'RETURNED', null), ('DLY', null, 'DELAYED'), ('DMG', null, 'DAMAGED')
) as m (code, milestone, overlay) on m.code = trim(e.status);
