-- One wrong value in each table that is compared.
update graph.customer set name = 'Nobody';
update graph.product set active = false;
update graph.inventory set on_hand = on_hand + 1 where source = 'erp' and warehouse = 'MN';
update graph.orders set total = 25.01;
update graph.line set shipped = 9;
update graph.fulfillment_order set state = 'PACKED';
update graph.shipment set delayed = true;
update graph.shipment_line set quantity = 11;
update graph.package set tracking = null;
update graph.milestone set occurred_at = '2026-07-04 14:00+00' where milestone = 'IN_TRANSIT';
update graph.transport_event set duplicate = true;
update graph.invoice set status = 'OPEN';
update graph.invoice_line set quantity = 9;
update graph.returns set state = 'IN_RETURN';
update graph.return_line set quantity = 3;
update graph.charge set order_id = null;
update graph.hold set held = true;
