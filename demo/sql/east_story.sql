-- What the floor, the dock and the carriers' feeds of 3PL East write. One named statement a block.

-- name: stock_add
insert into wh_stock (sku, on_hand, allocated, updated_at) values ($1, $2, 0, $3);

-- name: stock_set
update wh_stock set on_hand = $2, allocated = $3, updated_at = $4 where sku = $1;

-- name: order_receive
insert into wh_order (id, code, client, client_ref, release_ref, received_at, updated_at) overriding system value
values ($1, $2, $3, $4, $5, $6, $6);

-- name: order_line_add
insert into wh_order_line (order_id, line, sku, qty) values ($1, $2, $3, $4);

-- name: order_acknowledge
update wh_order set state = 'ACK', acked_at = $2, updated_at = $2 where id = $1;

-- name: order_state
update wh_order set state = $2, updated_at = $3 where id = $1;

-- name: order_mend
update wh_order set client_ref = $2, updated_at = $3 where id = $1;

-- name: line_pick
update wh_order_line set qty_picked = $3, qty_short = $4 where order_id = $1 and line = $2;

-- name: line_pack
update wh_order_line set qty_packed = $3 where order_id = $1 and line = $2;

-- name: shipment_add
insert into wh_shipment (id, code, order_id, carrier, service, tracking_no, created_at) overriding system value
values ($1, $2, $3, $4, $5, $6, $7);

-- name: shipment_line_add
insert into wh_shipment_line (shipment_id, line, sku, qty, lot) values ($1, $2, $3, $4, $5);

-- name: carton_add
insert into wh_carton (sscc, shipment_id, tracking_no, weight_kg) values ($1, $2, $3, $4);

-- name: shipment_ship
update wh_shipment set shipped_at = $2, eta = $3 where id = $1;

-- name: shipment_eta
update wh_shipment set eta = $2 where id = $1;

-- name: shipment_pod
update wh_shipment set pod_name = $2, pod_at = $3 where id = $1;

-- name: shipment_void
update wh_shipment set void = true where id = $1;

-- name: scan_add
insert into wh_scan (id, shipment_id, code, reason, stop, scanned_at, utc_offset, city, region, received_at)
overriding system value values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10);
