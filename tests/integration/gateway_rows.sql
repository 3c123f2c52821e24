-- Order 1042 has everything, 1043 and 1044 what a list needs.
insert into graph.customer values ('C1', 'Acme Hardware', true, 'USD', 'erp'), ('C2', 'Bolt & Co', true, 'CAD', 'erp');
insert into graph.ship_to values
    ('S1', 'C1', 'Acme Dock 4', '12 Main St', 'Chicago', 'IL', '60601', 'US'),
    ('S2', 'C1', 'Acme Dock 5', '14 Main St', 'Chicago', 'IL', '60601', 'US');
insert into graph.product values
    ('BOLT-10', 'Bolt 10 mm', 'EA', true, 'erp'), ('NUT-10', 'Nut 10 mm', 'EA', true, 'erp');
insert into graph.inventory values
    ('BOLT-10', 'EAST', 'east', 90, 20, '2026-03-01 10:00Z'), ('BOLT-10', 'EAST', 'erp', 95, 20, null),
    ('NUT-10', 'WEST', 'erp', 5, 0, null);
insert into graph.orders values
    ('1042', 'erp', '1042', 'C1', 'PO-77_%', 'EDI', 'EAST', 'S1', 'USD', 120.50, '2026-03-01 10:00Z', '2026-03-01 10:05Z',
     '2026-03-09', '2026-03-10', '2026-03-08 17:00Z', null, null, null, 'ring the bell',
     'ACCEPTED', 'PARTIALLY_SHIPPED', 'IN_TRANSIT', 'PARTIALLY_INVOICED', 'RMA_ISSUED', 'OK', 'PARTLY_SHIPPED'),
    ('1043', 'erp', '1043', 'C2', 'PO-78', 'WEB', 'WEST', null, 'CAD', 10, '2026-03-02 10:00Z', null, null, null, null, null,
     '2026-03-02 11:00Z', 'CR', null, 'ON_HOLD', 'NOT_RELEASED', 'NONE', 'NOT_INVOICED', 'NONE', 'BLOCKED', 'ACTION_NEEDED'),
    ('1044', 'erp', '1044', 'C1', null, 'WEB', 'EAST', null, 'USD', 7, null, null, null, null, null, null,
     null, null, null, 'RECEIVED', 'NOT_RELEASED', 'NONE', 'NOT_INVOICED', 'NONE', 'OK', 'RECEIVED');
update graph.orders set last_event_at = '2026-03-07 00:00Z' where id = '1042';
update graph.orders set last_event_at = '2026-03-02 11:00Z', delivered_at = '2026-03-05 00:00Z', requested_on = '2026-03-08'
where id = '1043';
insert into graph.line values
    ('1042', '10', 'NUT-10', null, 'EA', null, null, 5, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5, 'BACKORDERED'),
    ('1042', '2', 'BOLT-10', 'Bolt', 'EA', 12.05, '2026-03-10', 10, 0, 0, 10, 10, 7, 7, 7, 7, 0, 0, 1, 7, 3,
     'PARTIALLY_SHIPPED'),
    ('1043', '1', 'BOLT-10', 'Bolt', 'EA', 1, null, 10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 10, 'OPEN');
insert into graph.fulfillment_order values
    ('east:F1', '1042', 'east', 'F1', 'SHIPPED', '1042', '2026-03-01 11:00Z', '2026-03-01 12:00Z'),
    ('east:F9', null, 'east', 'F9', 'RECEIVED', '9999', '2026-03-01 11:00Z', null);
insert into graph.shipment values
    ('east:S7', '1042', 'east', 'S7', 'EAST', 'UPS', 'GROUND', '1Z999', 'P5', 'AT_HUB', 42, true, 'AO', 'EXTERNAL',
     '2026-03-02 08:00Z', '2026-03-02 18:00Z', null, '2026-03-08 17:00Z', null, null, false),
    ('east:S8', '1042', 'east', 'S8', 'EAST', null, null, null, null, 'CREATED', 10, false, null, null,
     '2026-03-03 08:00Z', null, null, null, null, null, false),
    ('east:S9', null, 'east', 'S9', 'EAST', null, null, '1Z000', null, 'CREATED', 10, false, null, null,
     '2026-03-03 08:00Z', null, null, null, null, null, false);
insert into graph.shipment_line values
    ('east:S7', '2', '1042', 'BOLT-10', 7, 'L1'), ('east:S8', '2', '1042', 'BOLT-10', 3, null);
insert into graph.package values
    ('east:K1', 'east:S7', '1042', '000123', '1Z999', 4.2), ('east:K2', 'east:S7', '1042', null, null, null);
insert into graph.milestone values
    ('east:S7', 'PICKED_UP', 30, '1042', '2026-03-02 18:00Z', false, 'east:E1', 1),
    ('east:S7', 'AT_HUB', 42, '1042', '2026-03-03 02:00Z', false, 'east:E2', 1),
    ('east:S8', 'CREATED', 10, '1042', '2026-03-03 08:00Z', false, null, 1);
insert into graph.transport_event values
    ('east:E1', 'east:S7', '1042', 'ups', 'OR', 'PICKED_UP', null, null, null, '2026-03-02 18:00Z', -360, null, 'Chicago',
     'IL', false),
    ('east:E2', 'east:S7', '1042', 'ups', 'AR', 'AT_HUB', 'DELAYED', 'AO', 'EXTERNAL', '2026-03-03 02:00Z', null,
     '2026-03-03 02:05Z', 'Gary', 'IN', false);
insert into graph.invoice values
    ('INV1', '1042', 'erp', 'INV1', false, 'OPEN', 84.35, 'USD', '2026-03-03 00:00Z', '2026-04-02', null),
    ('CM1', '1042', 'erp', 'CM1', true, 'PAID', 12.05, 'USD', '2026-03-05 00:00Z', null, '2026-03-06 00:00Z');
insert into graph.invoice_line values
    ('INV1', '1', '1042', '2', 7, 84.35), ('CM1', '1', '1042', '2', 1, 12.05);
insert into graph.returns values
    ('R1', '1042', 'erp', 'R1', 'RMA_ISSUED', 'DAMAGED', '2026-03-07 00:00Z', null, null, null);
insert into graph.return_line values ('R1', '2', '1042', 1);
insert into graph.charge values ('erp:1', '1042', 'FREIGHT', 15, 'USD', 'P5', '2026-03-03 00:00Z');
insert into graph.hold values
    ('erp:1', '1042', true, 'CR', 'too much', 'ann', '2026-03-01 10:10Z', null),
    ('erp:2', '1042', false, null, null, 'ann', '2026-03-01 10:20Z', 'cmd_1');
insert into graph.reference values
    ('order_number', '1042', 'order', '1042', '1042'), ('order_number', '1043', 'order', '1043', '1043'),
    ('order_number', '1044', 'order', '1044', '1044'), ('customer_po', 'PO-78', 'order', '1043', '1043'),
    ('customer_po', 'PO-77_%', 'order', '1042', '1042'), ('fulfillment_order', 'F1', 'fulfillment_order', 'east:F1', '1042'),
    ('shipment', 'S7', 'shipment', 'east:S7', '1042'), ('tracking', '1Z999', 'shipment', 'east:S7', '1042'),
    ('tracking', '1Z000', 'shipment', 'east:S9', null), ('invoice', 'INV1', 'invoice', 'INV1', '1042'),
    ('rma', 'R1', 'return', 'R1', '1042'), ('rma', 'GONE', 'return', 'GONE', null);
insert into record.checkpoint (source, epoch, log, ordinal, resume, snapshotting, seen, applied, superseded, dead, filtered,
    committed_at, projected_at) values
    ('erp', 1, 4294967297, 3, null, false, 10, 6, 1, 2, 1, now() - interval '90 seconds', now()),
    ('east', 1, 5, 0, null, true, 4, 4, 0, 0, 0, now() - interval '1 hour', now());
insert into record.source_state (source, state, detail, lag_bytes, lag_changes, updated_at) values
    ('erp', 'streaming', null, 1000, 7, now()), ('east', 'snapshotting', null, null, 0, now()),
    ('inbox', 'failed', 'no such host', null, null, now());
insert into record.dead_letter (source, epoch, log, ordinal, tbl, op, raw, reason, doc, order_id, resolved_at) values
    ('erp', 1, 9, 0, 'public.ordlin', 'c', 'what came ÿ', 'no such unit', 'order 1042', '1044', null),
    ('erp', 1, 10, 0, 'public.ordlin', 'c', 'mended', 'no such unit', null, null, now());
update record.feed_head set position = 3, events = 3;
insert into record.feed values
    (1, '1042', 1, 'ORDER_ACCEPTED', 'accepted', 'order', '1042', null, '2026-03-01 10:05Z', '2026-03-01 10:05Z',
     '{"commercial": "ACCEPTED", "fulfillment": "NOT_RELEASED", "delivery": "NONE", "financial": "NOT_INVOICED",
       "return": "NONE", "health": "OK", "display": "RECEIVED"}', true, null,
     'erp', 'public.ordhdr', 'r', '{"ordno": "1042"}', '1/0/5/1', null, null),
    (2, '1043', 1, 'ORDER_HELD', 'held', 'order', '1043', 'CR', '2026-03-02 11:00Z', '2026-03-02 11:00Z',
     '{"commercial": "ON_HOLD", "fulfillment": "NOT_RELEASED", "delivery": "NONE", "financial": "NOT_INVOICED",
       "return": "NONE", "health": "BLOCKED", "display": "ACTION_NEEDED"}', false, 'cmd_9',
     'erp', 'public.ordhld', 'c', '{"hldno": 5}', '1/0/6/1', '771', '2026-03-02 11:00Z'),
    (3, '1042', 2, 'MILESTONE_REACHED', 'east:S7:AT_HUB', 'shipment', 'east:S7', 'AT_HUB', '2026-03-03 02:00Z',
     '2026-03-03 02:05Z',
     '{"commercial": "ACCEPTED", "fulfillment": "PARTIALLY_SHIPPED", "delivery": "IN_TRANSIT",
       "financial": "PARTIALLY_INVOICED", "return": "RMA_ISSUED", "health": "OK", "display": "PARTLY_SHIPPED"}', false, null,
     'east', 'public.scan', 'c', '{"id": 2}', '1/0/7/2', '901', '2026-03-03 02:05Z');
