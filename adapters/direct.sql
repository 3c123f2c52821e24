-- What the systems at rest say, in neutral words: each adapter's direct.sql fills what its system knows of these, and
-- app/direct.sql computes the graph from them a second time. Order, invoice, return, product and customer ids are the
-- plain numbers as text; every other id is source:number. They live as long as the session.

create temp table said_customer (
    source text, id text, name text, active boolean, currency text
);
create temp table said_product (
    source text, sku text, description text, uom text, active boolean
);
create temp table said_inventory (               -- one row for each warehouse
    source text, sku text, on_hand numeric, allocated numeric
);

create temp table said_order (
    source text, id text, customer_id text, customer_po text, currency text,
    ordered_at timestamptz, accepted_at timestamptz, requested_on date, promised_on date,
    cancelled_at timestamptz, held_at timestamptz, held boolean,
    state text                                   -- the commercial facet but for holds
);
create temp table said_line (
    order_id text, line text, sku text, uom text, unit_price numeric, promised_on date,
    ordered numeric, cancelled numeric, backordered numeric, closed_short boolean
);
create temp table said_allocation (order_id text, line text, quantity numeric);
create temp table said_release (order_id text, line text, quantity numeric);
create temp table said_hold (
    id text, order_id text, held boolean, username text, at timestamptz
);

create temp table said_fulfillment_order (
    id text, source text, number text, state text, quoted_reference text,
    received_at timestamptz, acknowledged_at timestamptz
);
create temp table said_fulfillment_line (
    fulfillment_order_id text, line text, picked numeric, packed numeric
);
create temp table said_pick (order_id text, line text, picked numeric, packed numeric);
create temp table said_shipment (                -- one that a 3PL moves
    id text, source text, number text, fulfillment_order_id text, tracking text,
    created_at timestamptz, shipped_at timestamptz, delivered_at timestamptz,
    eta timestamptz, pod_at timestamptz, void boolean,
    order_id text                                -- where the mover itself says whose it is
);
create temp table said_posting (                 -- the owner's record of a shipment
    id text, source text, number text, order_id text,
    names text,                                  -- the 3PL's shipment number
    tracking text, shipped_at timestamptz
);
create temp table said_shipment_line (           -- of shipments and of postings
    shipment_id text, line text, sku text, quantity numeric
);
create temp table said_package (
    id text, shipment_id text, tracking text, weight_kg numeric
);
create temp table said_scan (
    id text, shipment_id text, code text, reason text, city text, region text,
    clock timestamp,                             -- local time as it was told
    occurred_at timestamptz, recorded_at timestamptz,
    serial bigint,                               -- order of recording among equals
    milestone text, overlay text                 -- null: the code stands for none
);

create temp table said_invoice (
    id text, source text, order_id text, credit boolean, status text, amount numeric, currency text,
    issued_at timestamptz, due_on date, paid_at timestamptz
);
create temp table said_invoice_line (
    invoice_id text, seq text, line text, quantity numeric, amount numeric
);
create temp table said_return (
    id text, source text, order_id text, state text,
    authorized_at timestamptz, received_at timestamptz, restocked_at timestamptz, refunded_at timestamptz
);
create temp table said_return_line (return_id text, line text, quantity numeric);
create temp table said_charge (
    id text, order_id text, amount numeric, currency text, charged_at timestamptz
);
