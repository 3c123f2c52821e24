-- Orders of 250 customers, as many as the setting bench.orders says: three lines each, 1.2 shipments with five milestones,
-- an invoice each, and the identifiers and revisions that the projector keeps for them.
insert into graph.customer select 'C' || n, 'Customer ' || n, true, 'USD', 'erp' from generate_series(0, 249) n;
insert into graph.product select 'SKU' || n, 'Article ' || n, 'EA', true, 'erp' from generate_series(0, 999) n;
insert into graph.orders
select n::text, 'erp', n::text, 'C' || n % 250, 'PO-' || n, (array['WEB', 'EDI', 'SALES'])[1 + n % 3], 'EAST', null, 'USD',
    100 + n % 900, '2026-01-01Z'::timestamptz + n * interval '7 minutes', '2026-01-01Z'::timestamptz + n * interval '7 minutes',
    '2026-07-01', '2026-07-02', null, null, null, null, null, 'ACCEPTED',
    (array['SHIPPED', 'PARTIALLY_SHIPPED', 'PICKING', 'RELEASED'])[1 + n % 4], 'IN_TRANSIT', 'INVOICED', 'NONE', 'OK',
    (array['ON_THE_WAY', 'DELIVERED', 'PREPARING'])[1 + n % 3]
from generate_series(1, current_setting('bench.orders')::int) n;
insert into graph.line
select n::text, l::text, 'SKU' || (n + l) % 1000, 'Article', 'EA', 9.95, null, 10, 0, 0, 10, 10, 10, 10, 10, 10, 0, 0, 0, 10, 0,
    'SHIPPED'
from generate_series(1, current_setting('bench.orders')::int) n, generate_series(1, 3) l;
insert into graph.shipment
select 'east:S' || n, (1 + (n - 1) % current_setting('bench.orders')::int)::text, 'east', 'S' || n, 'EAST', 'UPS', 'GROUND', '1Z' || n,
    null, 'AT_HUB', 42, false, null, null, '2026-03-02Z', '2026-03-03Z', null, '2026-03-08Z', null, null, false
from generate_series(1, current_setting('bench.orders')::int * 6 / 5) n;
insert into graph.milestone
select s.id, (array['CREATED', 'PICKED_UP', 'IN_TRANSIT', 'AT_HUB', 'OUT_FOR_DELIVERY'])[m], 10 * m, s.order_id,
    '2026-03-02Z'::timestamptz + m * interval '3 hours', false, null, 1
from graph.shipment s, generate_series(1, 5) m;
insert into graph.invoice
select 'INV' || n, n::text, 'erp', 'INV' || n, false, 'OPEN', 100 + n % 900, 'USD', '2026-03-05Z', '2026-04-04', null
from generate_series(1, current_setting('bench.orders')::int) n;
insert into graph.reference
select 'order_number', number, 'order', id, id from graph.orders
union all select 'customer_po', customer_po, 'order', id, id from graph.orders
union all select 'tracking', tracking, 'shipment', id, order_id from graph.shipment
union all select 'invoice', number, 'invoice', id, order_id from graph.invoice;
insert into graph.revision
select subject, pg_current_xact_id()::text::bigint from (
    select 'orders'
    union all select 'order/' || id from graph.orders
    union all select 'customer/' || id from graph.customer
    union all select 'reference/' || value from graph.reference
    union all select distinct 'channel/' || channel from graph.orders
) moved (subject);
vacuum analyze;
checkpoint;
