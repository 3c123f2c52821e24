-- A second partner, West: order 1043 is its alone, and 1042 has a shipment of it beside East's.
insert into graph.fulfillment_order values
    ('west:W1', '1043', 'west', 'WESTNO1', 'RECEIVED', '1043', '2026-03-02 11:00Z', null);
insert into graph.shipment values
    ('west:W7', '1042', 'west', 'WESTNO7', 'WEST', 'FEDEX', 'GROUND', 'WESTTRACK', null, 'DELIVERED', 70, false, null, null,
     '2026-03-02 08:00Z', '2026-03-02 18:00Z', '2026-03-04 18:00Z', null, 'WESTSIGNER', '2026-03-04 18:00Z', false);
insert into graph.shipment_line values ('west:W7', '2', '1042', 'WESTSKU', 1, 'WESTLOT');
insert into graph.package values ('west:WK1', 'west:W7', '1042', 'WESTSSCC', 'WESTTRACK', 1);
insert into graph.milestone values ('west:W7', 'DELIVERED', 70, '1042', '2026-03-04 18:00Z', false, 'west:WE1', 1);
insert into graph.transport_event values
    ('west:WE1', 'west:W7', '1042', 'fedex', 'WESTCODE', 'DELIVERED', null, null, null, '2026-03-04 18:00Z', null, null,
     'WESTCITY', 'WA', false);
insert into graph.inventory values ('WESTSKU', 'WEST', 'west', 1, 0, null);
insert into graph.reference values
    ('shipment', 'WESTNO7', 'shipment', 'west:W7', '1042'), ('tracking', 'WESTTRACK', 'shipment', 'west:W7', '1042'),
    ('sscc', 'WESTSSCC', 'shipment', 'west:W7', '1042'),
    ('fulfillment_order', 'WESTNO1', 'fulfillment_order', 'west:W1', '1043');
insert into record.feed
select 3 + n, id, 10 + n, type, 'key' || n, subject, subject_id, null, null, now(),
    '{"commercial": "ACCEPTED", "fulfillment": "NOT_RELEASED", "delivery": "NONE", "financial": "NOT_INVOICED",
      "return": "NONE", "health": "OK", "display": "RECEIVED"}', false, null,
    'erp', 'public.secretcause', 'u', '{"secretkey": 1}', '1/0/8/' || n, null, null
from (values
    (1, '1042', 'DELIVERED', 'shipment', 'west:W7'), (2, '1042', 'INVOICED', 'invoice', 'INV1'),
    (3, '1042', 'RETURNED', 'return', 'R1'), (4, '1044', 'ORDER_ACCEPTED', 'order', '1044'),
    (5, '9999', 'ORDER_ACCEPTED', 'order', '9999')
) as e (n, id, type, subject, subject_id);
update record.feed_head set position = 8;
