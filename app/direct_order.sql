-- The facets of each order, after app/direct.sql has computed its lines and shipments. See docs/lifecycle.md.

create temp table order_line_sum as
select order_id, sum(greatest(l.open, 0)) as open, sum(l.shipped) as shipped, sum(l.packed) as packed,
    sum(l.picked) as picked, sum(l.released) as released, sum(l.allocated) as allocated,
    sum(l.backordered) as backordered, bool_or(s.closed_short) as closed_short,
    bool_or(l.invoiced < l.shipped) as unbilled, sum((l.ordered - l.cancelled) * l.unit_price) as total
from direct_line l join said_line s using (order_id, line) group by order_id;

create temp table order_fulfillment as
select order_id, bool_or(state in ('PICKING', 'PICKED', 'PACKED')) as picking,
    bool_or(acknowledged_at is not null or state = 'ACKNOWLEDGED') as acknowledged
from direct_fulfillment_order where state <> 'CANCELLED' group by order_id;

create temp table order_shipment as
select s.order_id, bool_or(s.moved) as moved,
    bool_or(s.moved and s.state in ('RETURNING', 'RETURNED')) as sent_back,
    bool_or(s.moved and s.returned) as came_back,
    bool_or(s.moved and s.state in ('DELIVERY_ATTEMPTED', 'REFUSED', 'LOST')) as failed,
    bool_or(s.moved and s.state in ('OUT_FOR_DELIVERY', 'READY_FOR_PICKUP', 'ARRIVED_AT_CONSIGNEE')) as near,
    bool_or(s.delivered) as some_delivered,
    bool_and(s.delivered) filter (where s.moved) as all_delivered,
    bool_or(s.underway and (s.slow or (s.eta at time zone 'UTC')::date > o.promised_on)) as late,
    max(s.eta) filter (where s.underway) as eta,
    max(s.delivered_at) filter (where s.moved) as delivered_at
from shipment_fate s join said_order o on o.id = s.order_id
group by s.order_id;

create temp table order_invoice as
select order_id, bool_or(not credit) as invoiced, bool_or(status = 'DISPUTED') as disputed,
    bool_and(status = 'PAID') filter (where not credit) as paid, bool_or(credit) as credited,
    coalesce(sum(abs(amount)) filter (where credit), 0) as credits,
    coalesce(sum(amount) filter (where not credit), 0) as invoices
from direct_invoice where status <> 'VOID' group by order_id;

create temp table order_return as
select order_id, (array_agg(state order by rank desc))[1] as state, max(rank) as rank
from direct_return join return_rank using (state) group by order_id;

analyze order_line_sum, order_fulfillment, order_shipment, order_invoice, order_return;

create temp table direct_order as
with known as (
    select o.*,
        coalesce(l.open, 0) as open, coalesce(l.shipped, 0) as shipped, coalesce(l.packed, 0) as packed,
        coalesce(l.picked, 0) as picked, coalesce(l.released, 0) as released, coalesce(l.allocated, 0) as allocated,
        coalesce(l.backordered, 0) as backordered, coalesce(l.closed_short, false) as closed_short,
        coalesce(l.unbilled, false) as unbilled, coalesce(l.total, 0) as total,
        coalesce(f.picking, false) as picking, coalesce(f.acknowledged, false) as acknowledged,
        coalesce(s.moved, false) as moved, s.sent_back, s.came_back, s.failed, s.near, s.some_delivered,
        s.all_delivered, s.late, s.eta, s.delivered_at,
        coalesce(i.invoiced, false) as invoiced, i.disputed, i.paid, i.credited, i.credits, i.invoices,
        coalesce(r.state, 'NONE') as return_state, coalesce(r.rank, 0) as return_rank
    from said_order o
    left join order_line_sum l on l.order_id = o.id
    left join order_fulfillment f on f.order_id = o.id
    left join order_shipment s on s.order_id = o.id
    left join order_invoice i on i.order_id = o.id
    left join order_return r on r.order_id = o.id
), faceted as (
    select *,
        case when held and state not in ('CANCELLED', 'REJECTED', 'CLOSED') then 'ON_HOLD' else state end as commercial,
        case
            when shipped > 0 and open > 0 then 'PARTIALLY_SHIPPED'
            when open = 0 and closed_short then 'SHORT_CLOSED'
            when shipped > 0 then 'SHIPPED'
            when packed > 0 then 'PACKED'
            when picked > 0 or picking then 'PICKING'
            when acknowledged then 'ACKNOWLEDGED'
            when released > 0 then 'RELEASED'
            when allocated > 0 then 'ALLOCATED'
            when backordered > 0 then 'BACKORDERED'
            else 'NOT_RELEASED'
        end as fulfillment,
        case
            when not moved then 'NONE'
            when sent_back then 'RETURN_TO_SENDER'
            when failed then 'DELIVERY_EXCEPTION'
            when all_delivered and open = 0 then 'DELIVERED'
            when some_delivered then 'PARTIALLY_DELIVERED'
            else 'IN_TRANSIT'
        end as delivery,
        case
            when not invoiced then 'NOT_INVOICED'
            when disputed then 'DISPUTED'
            when credited and credits >= invoices then 'CREDITED'
            when open > 0 or unbilled then 'PARTIALLY_INVOICED'
            when paid then 'PAID'
            else 'INVOICED'
        end as financial
    from known
), healthy as (
    select *,
        case
            when commercial in ('CANCELLED', 'REJECTED') then 'OK'
            when commercial = 'ON_HOLD' then 'BLOCKED'
            when late then 'LATE'
            when delivery = 'DELIVERY_EXCEPTION' or backordered > 0 and open > 0 then 'AT_RISK'
            else 'OK'
        end as health
    from faceted
)
select id, source, customer_id, customer_po, currency, total, ordered_at, accepted_at, requested_on, promised_on, eta,
    cancelled_at, held_at, commercial, fulfillment, delivery, financial, return_state, health,
    case
        when commercial in ('CANCELLED', 'REJECTED') then 'CANCELLED'
        when return_rank >= 3 or came_back then 'RETURNED'
        when commercial = 'ON_HOLD' or delivery = 'DELIVERY_EXCEPTION' then 'ACTION_NEEDED'
        when health = 'LATE' then 'DELAYED'
        when delivery = 'DELIVERED' then 'DELIVERED'
        when delivery = 'PARTIALLY_DELIVERED' then 'PARTLY_DELIVERED'
        when moved and near then 'OUT_FOR_DELIVERY'
        when fulfillment = 'PARTIALLY_SHIPPED' then 'PARTLY_SHIPPED'
        when delivery <> 'NONE' then 'ON_THE_WAY'
        when fulfillment not in ('NOT_RELEASED', 'BACKORDERED')
            or commercial in ('ACCEPTED', 'ACCEPTED_WITH_CHANGES', 'CLOSED') then 'PREPARING'
        else 'RECEIVED'
    end as display_status,
    case when delivery = 'DELIVERED' then delivered_at end as delivered_at
from healthy;
analyze direct_order;
