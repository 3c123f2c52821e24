-- What the gateways keep of their own, for all of their processes. Run at each start.
create schema if not exists gateway;

-- The points that a client may still take; a client of whom nothing is known has all of them. Not worth a log.
create unlogged table if not exists gateway.bucket (
    client        text primary key,              -- a digest of who it is
    points        double precision not null,
    at            timestamptz not null           -- when it had so many
);

-- Grants up to `wanted` points, or none where there are fewer than `fewest`; says how many are left.
-- Less than none gives points back. `refill` is in points a second.
create or replace function gateway.take_points(
    of_client text, fewest double precision, wanted double precision, capacity double precision,
    refill double precision, out granted double precision, out available double precision
) language plpgsql security definer set search_path = '' as $$
declare
    found gateway.bucket;
    instant timestamptz;
begin
    insert into gateway.bucket values (of_client, capacity, clock_timestamp()) on conflict do nothing;
    select * into found from gateway.bucket where client = of_client for update;
    instant := clock_timestamp();
    available := least(capacity, found.points + refill * greatest(0, extract(epoch from instant - found.at)));
    granted := case when available < fewest then 0 else least(wanted, available) end;
    available := least(capacity, available - granted);
    update gateway.bucket set points = available, at = instant where client = of_client;
end $$;

-- Buckets that nobody asked about for an hour are full: no bucket takes longer to fill.
create or replace function gateway.forget_buckets() returns void
language sql security definer set search_path = '' as $$
    delete from gateway.bucket where at < clock_timestamp() - interval '1 hour'
$$;

-- Documents that may be run by their id: `sha256:` and the digest of the text, or what their manifest calls them.
create table if not exists gateway.document (
    id            text primary key,
    text          text not null,
    synced_at     timestamptz not null default now()
);

revoke all on function gateway.take_points, gateway.forget_buckets from public;
