insert into wh_stock values ('SKU-1', 90, 30, '2026-03-01+00');
insert into wh_order (id, code, client, client_ref, state, received_at, acked_at, updated_at) overriding system value
values (1, 'E42', 'DIST', '42', 'SHIPPED', '2026-07-02 12:00+00', '2026-07-02 13:00+00', '2026-07-03 18:00+00');
insert into wh_order_line (order_id, line, sku, qty, qty_picked, qty_packed) values (1, 1, 'SKU-1', 10, 10, 10);
insert into wh_shipment (id, code, order_id, carrier, service, tracking_no, created_at, shipped_at, eta) overriding system value
values (1, 'ES42', 1, 'UPS', 'GROUND', 'T42', '2026-07-03 15:00+00', '2026-07-03 18:00+00', '2026-07-06 18:00+00');
insert into wh_shipment_line (shipment_id, line, sku, qty) values (1, 1, 'SKU-1', 10);
insert into wh_carton values ('0042', 1, 'T42', 3.2);
insert into wh_scan (id, shipment_id, code, scanned_at, utc_offset, received_at) overriding system value
values (1, 1, 'X6', '2026-07-04 08:00', '-05:00', '2026-07-04 13:01+00');
