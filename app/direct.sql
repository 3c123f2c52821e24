-- The graph computed from sources at rest (said_*, see adapters/direct.sql), by docs/lifecycle.md alone: it shares
-- nothing with what computes the graph while changes stream in. Results are direct_*, as the tables of the graph.

analyze said_customer, said_product, said_inventory, said_order, said_line, said_allocation, said_release, said_hold,
    said_fulfillment_order, said_fulfillment_line, said_pick, said_shipment, said_posting, said_shipment_line, said_package,
    said_scan, said_invoice, said_invoice_line, said_return, said_return_line, said_charge;

create temp table milestone_rank (milestone text, rank smallint);
insert into milestone_rank values
    ('CREATED', 10), ('TENDERED', 15), ('CARRIER_AT_PICKUP', 20), ('LOADED', 25), ('PICKED_UP', 30), ('IN_TRANSIT', 40),
    ('AT_HUB', 42), ('DEPARTED_HUB', 44), ('HANDOFF', 45), ('REROUTED', 46), ('CUSTOMS_HOLD', 50),
    ('CUSTOMS_CLEARED', 52), ('OUT_FOR_DELIVERY', 60), ('READY_FOR_PICKUP', 62), ('ARRIVED_AT_CONSIGNEE', 65),
    ('DELIVERY_ATTEMPTED', 70), ('REFUSED', 75), ('PARTIALLY_DELIVERED', 80), ('DELIVERED', 90), ('POD_RECEIVED', 92),
    ('RETURNING', 95), ('RETURNED', 97), ('LOST', 98), ('CANCELLED', 99);

create temp table return_rank (state, rank) as values
    ('NONE', 0), ('RMA_ISSUED', 1), ('IN_RETURN', 2), ('RECEIVED_BACK', 3), ('RESTOCKED', 4), ('REFUNDED', 5);

-- Shipments: what belongs to an order, which postings are shipments of their own, what each reached.

create temp table direct_fulfillment_order as
select f.id, o.id as order_id, f.source, f.number, f.state, f.quoted_reference, f.received_at, f.acknowledged_at
from said_fulfillment_order f left join said_order o on o.id = f.quoted_reference;

create temp table shipment_record as
with partner as (
    select s.id, s.source, s.number, s.tracking, s.created_at, s.shipped_at, s.delivered_at, s.eta, s.pod_at, s.void,
        coalesce(f.order_id, o.id) as order_id
    from said_shipment s
    left join direct_fulfillment_order f on f.id = s.fulfillment_order_id
    left join said_order o on o.id = s.order_id
), posting as (
    select p.id, p.source, p.number, p.tracking, p.shipped_at, o.id as order_id, s.id as partner_id
    from said_posting p
    left join said_order o on o.id = p.order_id
    left join partner s on s.order_id = o.id and s.number = p.names
), posted as (
    select distinct on (partner_id) partner_id, shipped_at, tracking from posting
    order by partner_id, shipped_at nulls last, number collate "C"
)
select s.id, s.order_id, s.source, s.number, coalesce(s.tracking, p.tracking) as tracking, s.created_at,
    coalesce(s.shipped_at, p.shipped_at) as shipped_at, s.delivered_at as handed_over_at, s.eta, s.pod_at, s.void
from partner s left join posted p on p.partner_id = s.id
union all
select id, order_id, source, number, tracking, null, shipped_at, null, null, null, false
from posting where partner_id is null;
analyze shipment_record;

create temp table direct_transport_event as
select c.id, c.shipment_id, s.order_id, c.code, c.overlay, c.reason, c.occurred_at, c.recorded_at,
    row_number() over (
        partition by c.shipment_id, c.code, c.reason, c.clock, c.city, c.region order by c.recorded_at nulls first, c.serial
    ) > 1 as duplicate
from said_scan c join shipment_record s on s.id = c.shipment_id;
analyze direct_transport_event;

create temp table direct_milestone as
with step (shipment_id, milestone, at) as (
    select c.shipment_id, c.milestone, c.occurred_at from said_scan c
    join direct_transport_event e using (id) where c.milestone is not null and not e.duplicate
    union all
    select s.id, v.milestone, v.at
    from shipment_record s, lateral (values
        ('CREATED', s.created_at), ('PICKED_UP', s.shipped_at), ('DELIVERED', s.handed_over_at), ('POD_RECEIVED', s.pod_at)
    ) as v (milestone, at)
    where v.at is not null
)
select shipment_id, milestone, r.rank, s.order_id, min(at) as occurred_at
from step join milestone_rank r using (milestone) join shipment_record s on s.id = shipment_id
group by shipment_id, milestone, r.rank, s.order_id;
analyze direct_milestone;

create temp table shipment_fate as
with reached as (
    select shipment_id,
        (array_agg(milestone order by rank desc))[1] as state, max(rank) as rank,
        bool_or(rank between 30 and 98) as left_warehouse,
        bool_or(milestone in ('DELIVERED', 'POD_RECEIVED')) as arrived,
        bool_or(milestone = 'RETURNED') as returned,
        bool_or(milestone = 'LOST') as lost,
        bool_or(milestone = 'CANCELLED') as cancelled,
        coalesce(min(occurred_at) filter (where milestone = 'DELIVERED'),
            min(occurred_at) filter (where milestone = 'POD_RECEIVED')) as delivered_at
    from direct_milestone group by shipment_id
), slow as (
    select distinct shipment_id from direct_transport_event where overlay = 'DELAYED'
), fate as (
    select s.*, coalesce(r.state, 'UNKNOWN') as state, coalesce(r.rank, 0::smallint) as rank, r.delivered_at,
        not s.void and coalesce(r.left_warehouse, false) as moved,
        coalesce(r.arrived, false) as arrived, coalesce(r.returned, false) as returned,
        coalesce(r.lost, false) as lost, coalesce(r.cancelled, false) as cancelled,
        w.shipment_id is not null as slow
    from shipment_record s left join reached r on r.shipment_id = s.id left join slow w on w.shipment_id = s.id
)
select f.*, d.delivered, not (d.delivered or returned or lost or cancelled or void) as underway
from fate f, lateral (select moved and arrived and not returned and not lost as delivered) d;
analyze shipment_fate;

create temp table direct_shipment as
select id, order_id, source, number, tracking, state as milestone, rank, slow and underway as delayed,
    shipped_at, delivered_at, eta, pod_at, void
from shipment_fate;

create temp table direct_shipment_line as
select l.shipment_id, l.line, s.order_id, l.sku, l.quantity
from said_shipment_line l join shipment_record s on s.id = l.shipment_id;
analyze direct_shipment_line;

create temp table direct_package as
select p.id, p.shipment_id, s.order_id, p.tracking, p.weight_kg
from said_package p join shipment_record s on s.id = p.shipment_id;

-- What was billed, sent back and charged.

create temp table direct_invoice as
select i.id, o.id as order_id, i.source, i.credit, i.status, i.amount, i.currency, i.issued_at, i.due_on, i.paid_at
from said_invoice i left join said_order o on o.id = i.order_id;

create temp table direct_invoice_line as
select l.invoice_id, l.seq, i.order_id, l.line, l.quantity, l.amount
from said_invoice_line l join direct_invoice i on i.id = l.invoice_id;

create temp table direct_return as
select r.id, o.id as order_id, r.source, r.state, r.authorized_at, r.received_at, r.restocked_at, r.refunded_at
from said_return r left join said_order o on o.id = r.order_id;

create temp table direct_return_line as
select l.return_id, l.line, r.order_id, l.quantity
from said_return_line l join direct_return r on r.id = l.return_id;

create temp table direct_charge as
select c.id, o.id as order_id, c.amount, c.currency, c.charged_at
from said_charge c left join said_order o on o.id = c.order_id;

create temp table direct_hold as
select h.id, o.id as order_id, h.held, h.username, h.at
from said_hold h left join said_order o on o.id = h.order_id;

-- Lines.

create temp table line_quantity as
with part (order_id, line, bucket, quantity) as (
    select order_id, line, 'allocated', quantity from said_allocation
    union all
    select order_id, line, 'released', quantity from said_release
    union all
    select f.order_id, l.line, v.bucket, v.quantity
    from said_fulfillment_line l join direct_fulfillment_order f on f.id = l.fulfillment_order_id,
        lateral (values ('picked', l.picked), ('packed', l.packed)) as v (bucket, quantity)
    where f.state <> 'CANCELLED'
    union all
    select p.order_id, p.line, v.bucket, v.quantity
    from said_pick p, lateral (values ('picked', p.picked), ('packed', p.packed)) as v (bucket, quantity)
    union all
    select l.order_id, l.line, v.bucket, l.quantity
    from direct_shipment_line l join shipment_fate s on s.id = l.shipment_id,
        lateral (values
            ('shipped', true), ('delivered', s.delivered), ('lost', s.lost), ('came_back', s.returned and not s.lost)
        ) as v (bucket, counts)
    where s.moved and v.counts
    union all
    select r.order_id, l.line, 'returned', l.quantity
    from direct_return_line l join direct_return r on r.id = l.return_id
    where r.state in ('RECEIVED_BACK', 'RESTOCKED', 'REFUNDED')
    union all
    select i.order_id, l.line, 'invoiced', l.quantity
    from direct_invoice_line l join direct_invoice i on i.id = l.invoice_id
    where i.status <> 'VOID' and not i.credit
)
select order_id, line,
    sum(quantity) filter (where bucket = 'allocated') as allocated,
    sum(quantity) filter (where bucket = 'released') as released,
    sum(quantity) filter (where bucket = 'picked') as picked,
    sum(quantity) filter (where bucket = 'packed') as packed,
    sum(quantity) filter (where bucket = 'shipped') as shipped,
    sum(quantity) filter (where bucket = 'delivered') as delivered,
    sum(quantity) filter (where bucket = 'lost') as lost,
    sum(quantity) filter (where bucket = 'came_back') as came_back,
    sum(quantity) filter (where bucket = 'returned') as returned,
    sum(quantity) filter (where bucket = 'invoiced') as invoiced
from part group by order_id, line;
analyze line_quantity;

create temp table direct_line as
with counted as (
    select l.order_id, l.line, l.sku, l.uom, l.unit_price, l.promised_on, l.ordered,
        case when l.closed_short then greatest(l.ordered - coalesce(q.shipped, 0), 0) else l.cancelled end as cancelled,
        l.backordered, coalesce(q.allocated, 0) as allocated, coalesce(q.released, 0) as released,
        coalesce(q.picked, 0) as picked, coalesce(q.packed, 0) as packed, coalesce(q.shipped, 0) as shipped,
        coalesce(q.delivered, 0) as delivered, coalesce(q.lost, 0) as lost, coalesce(q.came_back, 0) as came_back,
        coalesce(q.returned, 0) as returned, coalesce(q.invoiced, 0) as invoiced
    from said_line l left join line_quantity q using (order_id, line)
)
select c.order_id, c.line, c.sku, c.uom, c.unit_price, c.promised_on, c.ordered, c.cancelled, c.backordered,
    c.allocated, c.released, c.picked, c.packed, c.shipped,
    c.shipped - c.delivered - c.lost - c.came_back as in_transit,
    c.delivered, c.lost, c.returned, c.invoiced,
    c.ordered - c.cancelled - c.shipped as open,
    case
        when f.bucket is null then case when c.cancelled >= c.ordered then 'CANCELLED' else 'OPEN' end
        when f.quantity < c.ordered - c.cancelled then 'PARTIALLY_' || f.bucket
        else f.bucket
    end as status
from counted c
left join lateral (
    select v.bucket, v.quantity
    from (values
        (1, 'DELIVERED', c.delivered), (2, 'SHIPPED', c.shipped), (3, 'PACKED', c.packed), (4, 'PICKED', c.picked),
        (5, 'RELEASED', c.released), (6, 'ALLOCATED', c.allocated), (7, 'BACKORDERED', c.backordered)
    ) as v (n, bucket, quantity)
    where v.quantity > 0 order by v.n limit 1
) f on true;
analyze direct_line;
