-- Batches: $1 holds the keys of the parents; the column `parent` says whose each row is.

-- name: orders_by_id
select id as parent, * from graph.orders where id = any($1::text[])

-- name: orders_by_number
select number as parent, * from graph.orders where number = any($1::text[]) order by source, id

-- name: version
coalesce((select max(version) from record.feed f where f.order_id = o.id), (select version from record.told f where f.order_id = o.id), 0)

-- name: order_versions
select o.id as parent, /* include: version */ as version from unnest($1::text[]) as o (id)

-- name: lines_by_order
select order_id as parent, l.*, (select o.currency from graph.orders o where o.id = l.order_id) as currency
from graph.line l
where l.order_id = any($1::text[]) order by length(l.line), l.line

-- name: shipments_by_id
select id as parent, * from graph.shipment where id = any($1::text[])

-- name: shipments_by_tracking
select tracking as parent, * from graph.shipment where tracking = any($1::text[])
order by created_at desc nulls last, id desc

-- name: shipments_by_order
select order_id as parent, * from graph.shipment where order_id = any($1::text[]) order by created_at, id

-- name: lines_by_shipment
select shipment_id as parent, * from graph.shipment_line
where shipment_id = any($1::text[]) order by length(line), line

-- name: packages_by_shipment
select shipment_id as parent, * from graph.package where shipment_id = any($1::text[]) order by id

-- name: milestones_by_shipment
select shipment_id as parent, * from graph.milestone
where shipment_id = any($1::text[]) order by occurred_at, rank, milestone

-- name: transport_events_by_shipment
select shipment_id as parent, * from graph.transport_event
where shipment_id = any($1::text[]) order by occurred_at, id

-- name: fulfillment_orders_by_id
select id as parent, * from graph.fulfillment_order where id = any($1::text[])

-- name: fulfillment_orders_by_order
select order_id as parent, * from graph.fulfillment_order where order_id = any($1::text[]) order by received_at, id

-- name: invoices_by_id
select id as parent, * from graph.invoice where id = any($1::text[])

-- name: invoices_by_number
select number as parent, * from graph.invoice where number = any($1::text[]) order by source, id

-- name: invoices_by_order
select order_id as parent, * from graph.invoice where order_id = any($1::text[]) order by issued_at, id

-- name: lines_by_invoice
select invoice_id as parent, l.*, (select i.currency from graph.invoice i where i.id = l.invoice_id) as currency
from graph.invoice_line l
where l.invoice_id = any($1::text[]) order by length(l.seq), l.seq

-- name: returns_by_id
select id as parent, * from graph.returns where id = any($1::text[])

-- name: returns_by_number
select number as parent, * from graph.returns where number = any($1::text[]) order by source, id

-- name: returns_by_order
select order_id as parent, * from graph.returns where order_id = any($1::text[]) order by authorized_at, id

-- name: lines_by_return
select return_id as parent, * from graph.return_line
where return_id = any($1::text[]) order by length(line), line

-- name: charges_by_order
select order_id as parent, * from graph.charge where order_id = any($1::text[]) order by charged_at, id

-- name: holds_by_order
select order_id as parent, * from graph.hold where order_id = any($1::text[]) order by at, id

-- name: references_by_order
select order_id as parent, * from graph.reference
where order_id = any($1::text[]) order by scheme, value, target, target_id

-- name: references_by_value
select value as parent, * from graph.reference
where value = any($1::text[]) order by scheme, target, target_id limit 100

-- name: customers_by_id
select id as parent, * from graph.customer where id = any($1::text[])

-- name: ship_tos_by_id
select id as parent, * from graph.ship_to where id = any($1::text[])

-- name: ship_tos_by_customer
select customer_id as parent, * from graph.ship_to where customer_id = any($1::text[]) order by id

-- name: products_by_sku
select sku as parent, * from graph.product where sku = any($1::text[])

-- name: inventory_by_sku
select sku as parent, * from graph.inventory where sku = any($1::text[]) order by sku, warehouse, source

-- name: inventory
select * from graph.inventory
where ($1::text is null or sku = $1)
    and ($2::text is null or warehouse = $2)
order by sku, warehouse, source limit $3
