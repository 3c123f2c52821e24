-- Forty orders like 1042, with all that belongs to it.
insert into graph.orders
select (json_populate_record(r, json_build_object('id', n || '-' || id, 'number', n || '-' || number))).*
from graph.orders r, generate_series(1, 40) n where id = '1042';
insert into graph.line
select (json_populate_record(r, json_build_object('order_id', n || '-' || order_id))).*
from graph.line r, generate_series(1, 40) n where order_id = '1042';
insert into graph.shipment
select (json_populate_record(r, json_build_object('id', n || '-' || id, 'order_id', n || '-' || order_id))).*
from graph.shipment r, generate_series(1, 40) n where order_id = '1042';
insert into graph.shipment_line
select (json_populate_record(r, json_build_object('shipment_id', n || '-' || shipment_id, 'order_id', n || '-' || order_id))).*
from graph.shipment_line r, generate_series(1, 40) n where order_id = '1042';
insert into graph.package
select (json_populate_record(r, json_build_object('id', n || '-' || id, 'shipment_id', n || '-' || shipment_id, 'order_id', n || '-' || order_id))).*
from graph.package r, generate_series(1, 40) n where order_id = '1042';
insert into graph.milestone
select (json_populate_record(r, json_build_object('shipment_id', n || '-' || shipment_id, 'order_id', n || '-' || order_id))).*
from graph.milestone r, generate_series(1, 40) n where order_id = '1042';
insert into graph.transport_event
select (json_populate_record(r, json_build_object('id', n || '-' || id, 'shipment_id', n || '-' || shipment_id, 'order_id', n || '-' || order_id))).*
from graph.transport_event r, generate_series(1, 40) n where order_id = '1042';
insert into graph.fulfillment_order
select (json_populate_record(r, json_build_object('id', n || '-' || id, 'order_id', n || '-' || order_id))).*
from graph.fulfillment_order r, generate_series(1, 40) n where order_id = '1042';
insert into graph.invoice
select (json_populate_record(r, json_build_object('id', n || '-' || id, 'order_id', n || '-' || order_id))).*
from graph.invoice r, generate_series(1, 40) n where order_id = '1042';
insert into graph.invoice_line
select (json_populate_record(r, json_build_object('invoice_id', n || '-' || invoice_id, 'order_id', n || '-' || order_id))).*
from graph.invoice_line r, generate_series(1, 40) n where order_id = '1042';
insert into graph.returns
select (json_populate_record(r, json_build_object('id', n || '-' || id, 'order_id', n || '-' || order_id))).*
from graph.returns r, generate_series(1, 40) n where order_id = '1042';
insert into graph.return_line
select (json_populate_record(r, json_build_object('return_id', n || '-' || return_id, 'order_id', n || '-' || order_id))).*
from graph.return_line r, generate_series(1, 40) n where order_id = '1042';
insert into graph.charge
select (json_populate_record(r, json_build_object('id', n || '-' || id, 'order_id', n || '-' || order_id))).*
from graph.charge r, generate_series(1, 40) n where order_id = '1042';
insert into graph.hold
select (json_populate_record(r, json_build_object('id', n || '-' || id, 'order_id', n || '-' || order_id))).*
from graph.hold r, generate_series(1, 40) n where order_id = '1042';
insert into record.feed
select (json_populate_record(r, json_build_object('position', 10 * n + position, 'order_id', n || '-' || order_id))).*
from record.feed r, generate_series(1, 40) n where order_id = '1042';
update record.feed_head set position = 500;
