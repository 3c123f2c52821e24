-- What the graph holds of verify_small_erp.sql and verify_small_east.sql, written by hand.
insert into graph.customer values ('7', 'Prairie Hardware', true, 'USD', 'erp');
insert into graph.product values ('SKU-1', 'Hinge', 'EA', true, 'erp');
insert into graph.inventory values
    ('SKU-1', 'EA', 'erp', 100, 20, null), ('SKU-1', 'MN', 'erp', 50, 0, null), ('SKU-1', 'EA', 'east', 90, 30, null);
insert into graph.orders (
    id, source, number, customer_id, customer_po, currency, total, ordered_at, accepted_at, requested_on, promised_on, eta,
    commercial, fulfillment, delivery, financial, return_state, health, display_status
) values (
    '42', 'erp', '42', '7', 'PO-42', 'USD', 25, '2026-07-01 13:00+00', '2026-07-01 15:00+00', '2026-07-19', '2026-07-20',
    '2026-07-06 18:00+00', 'ACCEPTED', 'SHIPPED', 'IN_TRANSIT', 'PAID', 'RMA_ISSUED', 'OK', 'ON_THE_WAY'
);
insert into graph.line values (
    '42', '1', 'SKU-1', 'Hinge', 'EA', 2.5, null, 10, 0, 0, 0, 0, 10, 10, 10, 10, 0, 0, 0, 10, 0, 'SHIPPED'
);
insert into graph.fulfillment_order
values ('east:E42', '42', 'east', 'E42', 'SHIPPED', '42', '2026-07-02 12:00+00', '2026-07-02 13:00+00');
insert into graph.shipment (
    id, order_id, source, number, tracking, milestone, rank, delayed, created_at, shipped_at, eta, void
) values (
    'east:ES42', '42', 'east', 'ES42', 'T42', 'IN_TRANSIT', 40, false, '2026-07-03 15:00+00', '2026-07-03 18:00+00',
    '2026-07-06 18:00+00', false
);
insert into graph.shipment_line values ('east:ES42', '1', '42', 'SKU-1', 10, null);
insert into graph.package values ('east:0042', 'east:ES42', '42', '0042', 'T42', 3.2);
insert into graph.milestone values
    ('east:ES42', 'CREATED', 10, '42', '2026-07-03 15:00+00', false, null, 1),
    ('east:ES42', 'PICKED_UP', 30, '42', '2026-07-03 18:00+00', false, null, 1),
    ('east:ES42', 'IN_TRANSIT', 40, '42', '2026-07-04 13:00+00', false, 'east:1', 1);
insert into graph.transport_event values (
    'east:1', 'east:ES42', '42', 'x12', 'X6', 'IN_TRANSIT', null, null, null, '2026-07-04 13:00+00', -300,
    '2026-07-04 13:01+00', null, null, false
);
insert into graph.invoice
values ('8042', '42', 'erp', '8042', false, 'PAID', 25, 'USD', '2026-07-05 05:00+00', '2026-08-05', '2026-07-09 05:00+00');
insert into graph.invoice_line values ('8042', '1', '42', '1', 10, 25);
insert into graph.returns values ('6042', '42', 'erp', '6042', 'RMA_ISSUED', 'NW', '2026-07-10 05:00+00', null, null, null);
insert into graph.return_line values ('6042', '1', '42', 2);
insert into graph.charge values ('erp:4', '42', 'FREIGHT', 8.4, 'USD', null, '2026-07-05 05:00+00');
insert into graph.hold values ('erp:3', '42', false, null, null, 'ANN', '2026-07-01 14:00+00', null);
