-- Fifty thousand orders of 250 customers: three lines each, 60,000 shipments with five milestones, an invoice each.
insert into graph.customer select 'C' || n, 'Customer ' || n, true, 'USD', 'erp' from generate_series(0, 249) n;
insert into graph.product select 'SKU' || n, 'Article ' || n, 'EA', true, 'erp' from generate_series(0, 999) n;
insert into graph.orders
select n::text, 'erp', n::text, 'C' || n % 250, 'PO-' || n, (array['WEB', 'EDI', 'SALES'])[1 + n % 3], 'EAST', null, 'USD',
    100 + n % 900, '2026-01-01Z'::timestamptz + n * interval '7 minutes', '2026-01-01Z'::timestamptz + n * interval '7 minutes',
    '2026-07-01', '2026-07-02', null, null, null, null, null, 'ACCEPTED', 'SHIPPED', 'IN_TRANSIT', 'INVOICED', 'NONE', 'OK',
    (array['ON_THE_WAY', 'DELIVERED', 'PREPARING'])[1 + n % 3]
from generate_series(1, 50000) n;
insert into graph.line
select n::text, l::text, 'SKU' || (n + l) % 1000, 'Article', 'EA', 9.95, null, 10, 0, 0, 10, 10, 10, 10, 10, 10, 0, 0, 0, 10, 0,
    'SHIPPED'
from generate_series(1, 50000) n, generate_series(1, 3) l;
insert into graph.shipment
select 'east:S' || n, (1 + (n - 1) % 50000)::text, 'east', 'S' || n, 'EAST', 'UPS', 'GROUND', '1Z' || n, null, 'AT_HUB', 42, false,
    null, null, '2026-03-02Z', '2026-03-03Z', null, '2026-03-08Z', null, null, false
from generate_series(1, 60000) n;
insert into graph.milestone
select 'east:S' || n, (array['CREATED', 'PICKED_UP', 'IN_TRANSIT', 'AT_HUB', 'OUT_FOR_DELIVERY'])[m], 10 * m, (1 + (n - 1) % 50000)::text,
    '2026-03-02Z'::timestamptz + m * interval '3 hours', false, null, 1
from generate_series(1, 60000) n, generate_series(1, 5) m;
insert into graph.invoice
select 'INV' || n, n::text, 'erp', 'INV' || n, false, 'OPEN', 100 + n % 900, 'USD', '2026-03-05Z', '2026-04-04', null
from generate_series(1, 50000) n;
-- What foreign keys would tell PostGraphile; the projector has none, since sources may contradict themselves.
comment on table graph.orders is E'@foreignKey (customer_id) references graph.customer (id)';
comment on table graph.line is E'@name order_line\n@foreignKey (order_id) references graph.orders (id)';
comment on table graph.shipment is E'@foreignKey (order_id) references graph.orders (id)';
comment on table graph.milestone is E'@foreignKey (shipment_id) references graph.shipment (id)';
comment on table graph.invoice is E'@foreignKey (order_id) references graph.orders (id)';
vacuum analyze;
