-- In neutral words: an order of five pieces whose only shipment was lost on its way back.
insert into said_order (source, id, currency, held, state) values ('erp', '1', 'USD', false, 'ACCEPTED');
insert into said_line values ('1', '1', 'SKU-1', 'EA', 2, null, 5, 0, 0, false);
insert into said_fulfillment_order values ('x:1', 'x', '1', 'SHIPPED', '1', '2026-03-01+00', '2026-03-01+00');
insert into said_shipment (id, source, number, fulfillment_order_id, shipped_at, void)
values ('x:1', 'x', '1', 'x:1', '2026-03-02+00', false);
insert into said_shipment_line values ('x:1', '1', 'SKU-1', 5);
insert into said_scan (id, shipment_id, code, clock, occurred_at, recorded_at, serial, milestone) values
    ('x:1', 'x:1', 'R', '2026-03-03', '2026-03-03+00', '2026-03-03+00', 1, 'RETURNED'),
    ('x:2', 'x:1', 'L', '2026-03-04', '2026-03-04+00', '2026-03-04+00', 2, 'LOST');
