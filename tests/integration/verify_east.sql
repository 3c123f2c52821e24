-- What 3PL East says of the orders of verify_erp.sql: shipment ES115 is of its order E115, which is order 115.
insert into wh_stock values ('SKU-1', 90, 30, '2026-03-01+00');

insert into wh_order (id, code, client, client_ref, state, received_at, acked_at, updated_at) overriding system value
select n, 'E' || n, 'DIST', coalesce(wrong, n::text), state::wh_state, '2026-03-02 12:00+00',
    case when state <> 'NEW' then timestamptz '2026-03-02 13:00+00' end, '2026-03-02 13:00+00'
from (values
    (108, 'CANCELLED', null), (109, 'ACK', null), (110, 'PICKING', null), (111, 'PACKED', null), (112, 'SHORT', null),
    (113, 'SHIPPED', null), (114, 'SHIPPED', null), (115, 'SHIPPED', null), (116, 'SHIPPED', null), (117, 'SHIPPED', null),
    (118, 'SHIPPED', null), (119, 'SHIPPED', null), (120, 'SHIPPED', null), (121, 'SHORT', null), (122, 'SHIPPED', null),
    (123, 'SHIPPED', null), (124, 'SHIPPED', null), (125, 'SHIPPED', null), (126, 'SHIPPED', null), (128, 'PACKED', null),
    (129, 'SHIPPED', '92I'), (130, 'SHORT', null)
) as o (n, state, wrong);

insert into wh_order_line (order_id, line, sku, qty, qty_picked, qty_packed)
select id, 1, 'SKU-1', 10, case when state in ('ACK', 'PICKING') then 0 when id in (112, 130) then 6 when id = 121 then 7 else 10 end,
    case when state in ('ACK', 'PICKING', 'CANCELLED') then 0 when id in (112, 130) then 6 when id = 121 then 7 else 10 end
from wh_order;

insert into wh_shipment (id, code, order_id, carrier, service, tracking_no, created_at, shipped_at) overriding system value
select id, 'ES' || id, id, 'UPS', 'GROUND', 'T' || id, '2026-03-03 15:00+00',
    case id when 128 then null else timestamptz '2026-03-03 18:00+00' end
from wh_order where id not in (108, 109, 110);
insert into wh_shipment (id, code, order_id, carrier, service, tracking_no, created_at, shipped_at) overriding system value
values (216, 'ES216', 116, 'UPS', 'GROUND', 'T216', '2026-03-03 15:00+00', '2026-03-03 18:00+00');
update wh_shipment set void = true where id = 111;
update wh_shipment set eta = '2026-03-20 23:00+00' where id in (113, 115);
update wh_shipment set eta = '2026-03-20 19:30-06' where id = 119;
update wh_shipment set pod_at = '2026-03-07 16:00+00' where id = 116;

insert into wh_shipment_line (shipment_id, line, sku, qty)
select id, 1, 'SKU-1', case when id in (112, 130, 216) then 6 when id = 121 then 7 when id = 116 then 4 else 10 end from wh_shipment;
insert into wh_shipment_line (shipment_id, line, sku, qty) values (116, 2, 'SKU-2', 5);
insert into wh_carton select '00' || id, id, tracking_no, 3.2 from wh_shipment;

insert into wh_scan (id, shipment_id, code, reason, scanned_at, utc_offset, city, received_at) overriding system value
select id, shipment, code, reason, scanned, utc_offset, 'Peoria', received
from (values
    (1, 113, 'AF', null, timestamp '2026-03-03 11:30', '-06:00', timestamptz '2026-03-03 17:31+00'),
    (2, 113, 'X6', null, '2026-03-04 08:00', null, '2026-03-04 08:01+00'),
    (3, 113, 'X6', null, '2026-03-04 08:00', null, '2026-03-04 09:01+00'),       -- told twice
    (4, 113, 'ZZ', null, '2026-03-04 08:00', '-06:00', '2026-03-04 15:00+00'),   -- nobody knows this code
    (5, 113, 'AG', null, '2026-03-05 08:00', '-06:00', '2026-03-05 15:00+00'),   -- an estimate
    (6, 114, 'AJ', null, '2026-03-06 08:00', '-06:00', '2026-03-06 14:01+00'),
    (7, 114, 'X4', null, '2026-03-05 08:00', '-06:00', '2026-03-07 14:01+00'),   -- told late
    (15, 115, 'D1', null, '2026-03-06 10:00', '-06:00', '2026-03-06 16:01+00'),
    (16, 115, 'SD', 'AO', '2026-03-05 10:00', '-06:00', '2026-03-05 16:01+00'),  -- was delayed, arrived since
    (17, 117, 'AH', 'AG', '2026-03-06 10:00', '-06:00', '2026-03-06 16:01+00'),
    (18, 118, 'SD', 'AO', '2026-03-05 10:00', '-06:00', '2026-03-05 16:01+00'),
    (19, 120, 'A7', 'BS', '2026-03-06 10:00', '-06:00', '2026-03-06 16:01+00'),
    (20, 120, 'A3', null, '2026-03-09 10:00', '-06:00', '2026-03-09 16:01+00'),
    (21, 121, 'D1', null, '2026-03-06 10:00', '-06:00', '2026-03-06 16:01+00'),
    (22, 122, 'D1', null, '2026-03-06 10:00', '-06:00', '2026-03-06 16:01+00'),
    (23, 123, 'D1', null, '2026-03-06 10:00', '-06:00', '2026-03-06 16:01+00'),
    (24, 124, 'D1', null, '2026-03-06 10:00', '-06:00', '2026-03-06 16:01+00'),
    (25, 125, 'D1', null, '2026-03-06 10:00', '-06:00', '2026-03-06 16:01+00'),
    (26, 126, 'D1', null, '2026-03-06 10:00', '-06:00', '2026-03-06 16:01+00'),
    (28, 130, 'CB', null, '2026-03-06 10:00', '-06:00', '2026-03-06 16:01+00'),
    (27, 128, 'XB', null, '2026-03-03 08:00', '-06:00', '2026-03-03 14:01+00')
) as s (id, shipment, code, reason, scanned, utc_offset, received);
