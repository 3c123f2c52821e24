-- What differs between the computed rows and those of the graph: one row for each column, or one with a null column
-- for a row that only one side has. An order that one side lacks hides what hangs on it. One statement, so one snapshot.
with pair (name, order_id, key, direct, graph) as materialized (
    select 'customer', null, id, to_jsonb(d), to_jsonb(g)
    from said_customer d full join (select source, id, name, active, currency from graph.customer) g using (id)
    where d is distinct from g
    union all
    select 'product', null, sku, to_jsonb(d), to_jsonb(g)
    from said_product d full join (select source, sku, description, uom, active from graph.product) g using (sku)
    where d is distinct from g
    union all
    select 'inventory', null, concat_ws('/', source, sku), to_jsonb(d), to_jsonb(g)
    from (select source, sku, sum(on_hand) as on_hand, sum(allocated) as allocated
        from said_inventory group by source, sku) d
    full join (select source, sku, sum(on_hand) as on_hand, sum(allocated) as allocated
        from graph.inventory group by source, sku) g using (source, sku)
    where d is distinct from g
    union all
    select 'orders', id, id, to_jsonb(d), to_jsonb(g)
    from direct_order d
    full join (
        select id, source, customer_id, customer_po, currency, total, ordered_at, accepted_at, requested_on,
            promised_on, eta, cancelled_at, held_at, commercial, fulfillment, delivery, financial, return_state, health,
            display_status, delivered_at
        from graph.orders
    ) g using (id)
    where d is distinct from g
    union all
    select 'line', order_id, concat_ws('/', order_id, line), to_jsonb(d), to_jsonb(g)
    from direct_line d
    full join (
        select order_id, line, sku, uom, unit_price, promised_on, ordered, cancelled, backordered, allocated, released,
            picked, packed, shipped, in_transit, delivered, lost, returned, invoiced, open, status
        from graph.line
    ) g using (order_id, line)
    where d is distinct from g
    union all
    select 'fulfillment_order', coalesce(d.order_id, g.order_id), id, to_jsonb(d), to_jsonb(g)
    from direct_fulfillment_order d
    full join (
        select id, order_id, source, number, state, quoted_reference, received_at, acknowledged_at
        from graph.fulfillment_order
    ) g using (id)
    where d is distinct from g
    union all
    select 'shipment', coalesce(d.order_id, g.order_id), id, to_jsonb(d), to_jsonb(g)
    from direct_shipment d
    full join (
        select id, order_id, source, number, tracking, milestone, rank, delayed, shipped_at, delivered_at, eta, pod_at,
            void
        from graph.shipment
    ) g using (id)
    where d is distinct from g
    union all
    select 'shipment_line', coalesce(d.order_id, g.order_id), concat_ws('/', shipment_id, line),
        to_jsonb(d), to_jsonb(g)
    from direct_shipment_line d
    full join (select shipment_id, line, order_id, sku, quantity from graph.shipment_line) g using (shipment_id, line)
    where d is distinct from g
    union all
    select 'package', coalesce(d.order_id, g.order_id), id, to_jsonb(d), to_jsonb(g)
    from direct_package d
    full join (select id, shipment_id, order_id, tracking, weight_kg from graph.package) g using (id)
    where d is distinct from g
    union all
    select 'milestone', coalesce(d.order_id, g.order_id), concat_ws('/', shipment_id, milestone),
        to_jsonb(d), to_jsonb(g)
    from direct_milestone d
    full join (
        select shipment_id, milestone, rank, order_id, occurred_at from graph.milestone
    ) g using (shipment_id, milestone)
    where d is distinct from g
    union all
    select 'transport_event', coalesce(d.order_id, g.order_id), id, to_jsonb(d), to_jsonb(g)
    from direct_transport_event d
    full join (
        select id, shipment_id, order_id, code, overlay, reason, occurred_at, recorded_at, duplicate
        from graph.transport_event
    ) g using (id)
    where d is distinct from g
    union all
    select 'invoice', coalesce(d.order_id, g.order_id), id, to_jsonb(d), to_jsonb(g)
    from direct_invoice d
    full join (
        select id, order_id, source, credit, status, amount, currency, issued_at, due_on, paid_at from graph.invoice
    ) g using (id)
    where d is distinct from g
    union all
    select 'invoice_line', coalesce(d.order_id, g.order_id), concat_ws('/', invoice_id, seq), to_jsonb(d), to_jsonb(g)
    from direct_invoice_line d
    full join (
        select invoice_id, seq, order_id, line, quantity, amount from graph.invoice_line
    ) g using (invoice_id, seq)
    where d is distinct from g
    union all
    select 'returns', coalesce(d.order_id, g.order_id), id, to_jsonb(d), to_jsonb(g)
    from direct_return d
    full join (
        select id, order_id, source, state, authorized_at, received_at, restocked_at, refunded_at from graph.returns
    ) g using (id)
    where d is distinct from g
    union all
    select 'return_line', coalesce(d.order_id, g.order_id), concat_ws('/', return_id, line), to_jsonb(d), to_jsonb(g)
    from direct_return_line d
    full join (select return_id, line, order_id, quantity from graph.return_line) g using (return_id, line)
    where d is distinct from g
    union all
    select 'charge', coalesce(d.order_id, g.order_id), id, to_jsonb(d), to_jsonb(g)
    from direct_charge d
    full join (select id, order_id, amount, currency, charged_at from graph.charge) g using (id)
    where d is distinct from g
    union all
    select 'hold', coalesce(d.order_id, g.order_id), id, to_jsonb(d), to_jsonb(g)
    from direct_hold d
    full join (select id, order_id, held, username, at from graph.hold) g using (id)
    where d is distinct from g
), lacking as materialized (
    select order_id from pair where name = 'orders' and (direct is null or graph is null)
)
select p.order_id, p.name, p.key, c.name as column, c.direct, c.graph
from pair p, lateral (
    select null::text as name, p.direct::text as direct, p.graph::text as graph
    where p.direct is null or p.graph is null
    union all
    select key, d.value #>> '{}', g.value #>> '{}'
    from jsonb_each(p.direct) d join jsonb_each(p.graph) g using (key)
    where d.value is distinct from g.value
) c
where p.name = 'orders' or not exists (select from lacking l where l.order_id = p.order_id)
order by length(p.order_id), p.order_id, p.name, p.key, c.name
