-- Fifty thousand orders, one in a few hundred of them with something that people look for.
insert into graph.orders
select n::text, 'erp', n::text, 'C' || n % 250, 'PO-' || n, case when n % 500 = 0 then 'FAX' else 'WEB' end,
    case when n % 500 = 0 then 'REMOTE' else 'EAST' end, null, 'USD', 100, placed, placed, placed::date + 4, placed::date + 5, null,
    null, case when n % 500 = 0 then placed end, null, null,
    case when n % 500 = 0 then 'ON_HOLD' else 'ACCEPTED' end, case when n % 500 = 0 then 'PICKING' else 'SHIPPED' end,
    case when n % 500 = 0 then 'DELIVERY_EXCEPTION' else 'IN_TRANSIT' end,
    case when n % 500 = 0 then 'DISPUTED' else 'INVOICED' end, case when n % 500 = 0 then 'REFUNDED' else 'NONE' end,
    case when n % 500 = 0 then 'BLOCKED' else 'OK' end, case when n % 500 = 0 then 'ACTION_NEEDED' else 'ON_THE_WAY' end,
    case when n % 500 = 0 then placed + interval '4 days' end, placed + interval '3 days'
from generate_series(1, 50000) n, lateral (select '2026-01-01Z'::timestamptz + n * interval '7 minutes' as placed) at;
insert into graph.reference select 'tracking', '1Z' || id, 'shipment', 'east:S' || id, id from graph.orders;
insert into graph.shipment
select 'east:S' || id, id, case when id::int % 500 = 0 then 'west' else 'east' end, 'S' || id, 'EAST', 'UPS', 'GROUND', '1Z' || id,
    null, 'AT_HUB', 42, id::int % 500 = 0, null, null, ordered_at, ordered_at, null, null, null, null, false
from graph.orders;
insert into record.feed
select id::bigint, id, 1, 'ORDER_ACCEPTED', 'accepted', 'order', id, null, ordered_at, ordered_at, '{}', false, null,
    'erp', 'public.ordhdr', 'c', '{}', '1/0/0/' || id, null, ordered_at
from graph.orders;
update record.feed_head set position = 50000;
vacuum analyze;
