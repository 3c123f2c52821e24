-- The order graph: what readers read. Disposable: rebuilt from the ledger. One table per Struct of orders/graph.py,
-- the same names; a test compares them. Ids are the business's own words, so a rebuild gives the same.
create schema graph;

-- The three-letter parts of a text, in lower case, for what contains another text; pg_trgm is not everywhere.
create function graph.grams(words text) returns text[] immutable parallel safe cost 10000 language plpgsql as $$
declare
    low constant text := lower(words);
    found text[] := '{}';
begin
    for place in 1 .. length(low) - 2 loop
        found := found || substr(low, place, 3);
    end loop;
    return found;
end $$;

create table graph.customer (
    id            text primary key,              -- the customer's number
    name          text not null,
    active        boolean not null,
    currency      text,
    source        text not null
);

create table graph.ship_to (
    id            text primary key,
    customer_id   text not null,
    name          text not null,
    street        text not null,
    city          text not null,
    region        text not null,
    postal_code   text not null,
    country       text not null
);

create table graph.product (
    sku           text primary key,
    description   text not null,
    uom           text not null,
    active        boolean not null,
    source        text not null
);

create table graph.inventory (
    sku           text not null,
    warehouse     text not null,
    source        text not null,                 -- who says so
    on_hand       numeric not null,
    allocated     numeric not null,
    as_of         timestamptz,
    primary key (sku, warehouse, source)
);

create table graph.orders (
    id            text primary key,              -- the order's number
    source        text not null,                 -- which system owns the order
    number        text not null,
    customer_id   text,
    customer_po   text,
    channel       text,
    warehouse     text,
    ship_to_id    text,
    currency      text not null,
    total         numeric not null,              -- ordered quantity less cancelled, times price
    ordered_at    timestamptz,
    accepted_at   timestamptz,
    requested_on  date,
    promised_on   date,
    eta           timestamptz,                   -- the latest one of what is still on its way
    cancelled_at  timestamptz,
    held_at       timestamptz,
    hold_reason   text,
    note          text,
    commercial    text not null,
    fulfillment   text not null,
    delivery      text not null,
    financial     text not null,
    return_state  text not null,
    health        text not null,
    display_status text not null,
    delivered_at  timestamptz,                   -- when the last of it arrived; null until all of it has
    last_event_at timestamptz                    -- when the latest of its happenings happened
);
create index on graph.orders (number, source, id);
create index on graph.orders (ordered_at desc, id desc);
create index on graph.orders (customer_id, ordered_at desc, id desc) include (display_status, fulfillment);
create index on graph.orders (display_status, ordered_at desc, id desc);
create index on graph.orders (channel, ordered_at desc, id desc);
create index on graph.orders ((coalesce(last_event_at, 'infinity')), id);
create index on graph.orders ((coalesce(promised_on, 'infinity')), id);
create index on graph.orders (requested_on);
create index on graph.orders (delivered_at) where delivered_at is not null;
create index on graph.orders (held_at) where held_at is not null;
create index on graph.orders using gin (graph.grams(number || ' ' || coalesce(customer_po, '')))
    with (gin_pending_list_limit = 256);
-- One for all states: with an index for each, a row's update took twice as long.
create index on graph.orders using gin (
    (array[commercial, fulfillment, delivery, financial, return_state, health, warehouse])
) with (gin_pending_list_limit = 256);

create table graph.line (
    order_id      text not null,
    line          text not null,
    sku           text not null,
    description   text,
    uom           text not null,
    unit_price    numeric,
    promised_on   date,
    ordered       numeric not null,
    cancelled     numeric not null,
    backordered   numeric not null,
    allocated     numeric not null,
    released      numeric not null,
    picked        numeric not null,
    packed        numeric not null,
    shipped       numeric not null,
    in_transit    numeric not null,
    delivered     numeric not null,
    lost          numeric not null,
    returned      numeric not null,
    invoiced      numeric not null,
    open          numeric not null,              -- ordered - cancelled - shipped; negative when over-shipped
    status        text not null,
    primary key (order_id, line)
);

create table graph.fulfillment_order (           -- a 3PL's own order for ours
    id            text primary key,              -- source:number
    order_id      text,                          -- null: it waits for an order that is not known yet
    source        text not null,
    number        text not null,
    state         text not null,                 -- RECEIVED, ACKNOWLEDGED, PICKING, PICKED, PACKED, SHIPPED, SHORT, CANCELLED
    quoted_reference text not null,
    received_at   timestamptz,
    acknowledged_at timestamptz
);
create index on graph.fulfillment_order (order_id);

create table graph.shipment (
    id            text primary key,              -- source:number
    order_id      text,                          -- null: it waits for an order that is not known yet
    source        text not null,
    number        text not null,
    warehouse     text,
    carrier       text,
    service       text,
    tracking      text,
    posting       text,                          -- the ERP's record of the same goods
    milestone     text not null,                 -- the furthest one reached
    rank          smallint not null,
    delayed       boolean not null,
    reason        text,                          -- the latest delay's or exception's code and whose reason it is
    reason_family text,
    created_at    timestamptz,
    shipped_at    timestamptz,
    delivered_at  timestamptz,
    eta           timestamptz,
    pod_name      text,
    pod_at        timestamptz,
    void          boolean not null
);
create index on graph.shipment (order_id);
create index on graph.shipment (tracking);
create index on graph.shipment (order_id) where delayed;

create table graph.shipment_line (
    shipment_id   text not null,
    line          text not null,
    order_id      text,
    sku           text not null,
    quantity      numeric not null,
    lot           text,
    primary key (shipment_id, line)
);

create table graph.package (
    id            text primary key,              -- source:id
    shipment_id   text not null,
    order_id      text,
    sscc          text,
    tracking      text,
    weight_kg     numeric
);
create index on graph.package (shipment_id);

create table graph.milestone (                   -- each canonical step once per shipment: its first occurrence
    shipment_id   text not null,
    milestone     text not null,
    rank          smallint not null,
    order_id      text,
    occurred_at   timestamptz not null,
    late          boolean not null,              -- it was recorded after a later step had been reached
    transport_event_id text,                     -- null: it follows from the shipment's own record
    taxonomy      integer not null,
    primary key (shipment_id, milestone)
);

create table graph.transport_event (             -- the raw scans
    id            text primary key,              -- source:id
    shipment_id   text not null,
    order_id      text,
    namespace     text not null,
    code          text not null,
    milestone     text not null,
    overlay       text,
    reason        text,
    reason_family text,
    occurred_at   timestamptz not null,
    offset_minutes integer,                      -- null: the partner did not say the zone
    recorded_at   timestamptz,
    city          text,
    region        text,
    duplicate     boolean not null               -- the same scan came before under another id
);
create index on graph.transport_event (shipment_id);

create table graph.invoice (
    id            text primary key,              -- the invoice's number
    order_id      text,
    source        text not null,
    number        text not null,
    credit        boolean not null,
    status        text not null,                 -- OPEN, PAID, DISPUTED, VOID
    amount        numeric not null,
    currency      text not null,
    issued_at     timestamptz,
    due_on        date,
    paid_at       timestamptz
);
create index on graph.invoice (number, source, id);
create index on graph.invoice (order_id);

create table graph.invoice_line (
    invoice_id    text not null,
    seq           text not null,
    order_id      text,
    line          text,                          -- the order's line
    quantity      numeric not null,
    amount        numeric not null,
    primary key (invoice_id, seq)
);

create table graph.returns (
    id            text primary key,              -- the RMA's number
    order_id      text,
    source        text not null,
    number        text not null,
    state         text not null,
    reason        text,
    authorized_at timestamptz,
    received_at   timestamptz,
    restocked_at  timestamptz,
    refunded_at   timestamptz
);
create index on graph.returns (number, source, id);
create index on graph.returns (order_id);

create table graph.return_line (
    return_id     text not null,
    line          text not null,
    order_id      text,
    quantity      numeric not null,
    primary key (return_id, line)
);

create table graph.charge (
    id            text primary key,              -- source:id
    order_id      text,
    kind          text not null,
    amount        numeric not null,
    currency      text not null,
    posting       text,
    charged_at    timestamptz
);
create index on graph.charge (order_id);

create table graph.hold (                        -- the log of holds and releases
    id            text primary key,              -- source:id
    order_id      text,
    held          boolean not null,
    reason        text,
    note          text,
    username      text not null,
    at            timestamptz not null,
    command_id    text                           -- the command that asked for it
);
create index on graph.hold (order_id);

create table graph.reference (                   -- every identifier a person may hold in the hand
    scheme        text not null,                 -- order_number, customer_po, fulfillment_order, shipment, tracking, sscc, invoice, rma
    value         text not null,
    target        text not null,                 -- order, fulfillment_order, shipment, invoice, return
    target_id     text not null,
    order_id      text,
    primary key (scheme, value, target, target_id)
);
create index on graph.reference (value);
create index on graph.reference (order_id);

create table graph.revision (                    -- what was changed, and by which of Postgres's transactions the last time
    subject       text primary key,              -- order/<id or number>, customer/<id>, channel/<name>, orders, table/<name>, graph
    revision      bigint not null
) with (fillfactor = 70);
insert into graph.revision values ('graph', pg_current_xact_id()::text::bigint);

-- What the projector keeps for itself: the facts it folded, and how documents hang together.
create table graph.fact (
    source        text not null,
    key           text not null,
    epoch         integer not null,
    log           bigint not null,
    ordinal       integer not null,
    doc           text,                          -- null: deleted
    fact          bytea,
    primary key (source, key)
);
create index on graph.fact (doc);

create table graph.claim (                       -- the document is what this identifier names
    ident         text not null,
    doc           text not null,
    primary key (ident, doc)
);
create index on graph.claim (doc);

create table graph.link (                        -- the document belongs to the one that claims the identifier
    ident         text not null,
    doc           text not null,
    primary key (ident, doc)
);
create index on graph.link (doc);
