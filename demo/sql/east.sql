-- The warehouse management system of 3PL East. It knows nothing of the distributor's ERP but the
-- references it was sent. Times carry their zone.

create type wh_state as enum ('NEW', 'ACK', 'PICKING', 'PICKED', 'PACKED', 'SHIPPED', 'SHORT', 'CANCELLED');

create table wh_order (
    id           bigint generated always as identity primary key,
    code         varchar(20) unique not null,      -- E0000001
    client       varchar(20) not null,             -- whose goods
    client_ref   varchar(40) not null,             -- the client's order number as it was keyed; may be wrong and mended later
    release_ref  varchar(40),                      -- the client's pick release number
    state        wh_state not null default 'NEW',
    received_at  timestamptz not null,
    acked_at     timestamptz,
    updated_at   timestamptz not null
);

create table wh_order_line (
    order_id     bigint not null references wh_order,
    line         integer not null,                 -- the client's line number
    sku          varchar(20) not null,
    qty          numeric(11,3) not null,
    qty_picked   numeric(11,3) not null default 0,
    qty_packed   numeric(11,3) not null default 0,
    qty_short    numeric(11,3) not null default 0,
    primary key (order_id, line)
);

create table wh_shipment (
    id           bigint generated always as identity primary key,
    code         varchar(20) unique not null,      -- ES000001
    order_id     bigint not null references wh_order,
    carrier      varchar(10) not null,
    service      varchar(20) not null,
    tracking_no  varchar(40) not null,
    created_at   timestamptz not null,
    shipped_at   timestamptz,                      -- handed to the carrier
    eta          timestamptz,
    pod_name     varchar(60),
    pod_at       timestamptz,
    void         boolean not null default false
);

create table wh_shipment_line (
    shipment_id  bigint not null references wh_shipment,
    line         integer not null,
    sku          varchar(20) not null,
    qty          numeric(11,3) not null,
    lot          varchar(20),
    primary key (shipment_id, line)
);

create table wh_carton (
    sscc         varchar(20) primary key,
    shipment_id  bigint not null references wh_shipment,
    tracking_no  varchar(40) not null,
    weight_kg    numeric(9,3) not null
);

create table wh_scan (                             -- what the carrier's feed told East about a shipment
    id           bigint generated always as identity primary key,
    shipment_id  bigint not null references wh_shipment,
    code         varchar(4) not null,              -- X12 element 1650
    reason       varchar(4),                       -- X12 element 1651
    stop         char(1),                          -- P pickup, D delivery
    scanned_at   timestamp not null,               -- local time where it happened
    utc_offset   varchar(6),                       -- -05:00; null when the carrier did not say
    city         varchar(40),
    region       varchar(3),
    received_at  timestamptz not null
);

create table wh_stock (
    sku          varchar(20) primary key,
    on_hand      numeric(13,3) not null,
    allocated    numeric(13,3) not null,
    updated_at   timestamptz not null
);

create index on wh_order_line (order_id);
create index on wh_shipment (order_id);
create index on wh_carton (shipment_id);
create index on wh_scan (shipment_id);
