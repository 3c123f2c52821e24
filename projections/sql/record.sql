-- What is durable beside the graph: it is never rebuilt, only migrated.
create schema record;

-- Ledger and feed grow for ever, so they lie in partitions, which are dropped as a whole when they are old. Partition n has
-- the places from n times ten thousand million on: whatever comes fits into the newest one, and nothing has to be made in
-- time. A new one is begun by giving out its places from then on; see projections/partitions.py.
create function record.first_place(of_partition bigint) returns bigint immutable language sql as $$
    select of_partition * 10000000000
$$;

-- Its rows come only with the places that are given out; a partition's indexes beside its parent's are given here, since
-- what is to be unique in all of a table would have to have the place in it.
create function record.add_partition(of_table text, number bigint) returns void language plpgsql as $$
declare
    part constant text := format('record.%I', of_table || '_' || number);
begin
    execute format('create table %s (like record.%I including defaults)', part, of_table);
    case of_table
        when 'ledger' then
            execute format('create unique index on %s (source, epoch, log, ordinal)', part);
        when 'feed' then
            execute format('create unique index on %s (order_id, version)', part);
            execute format('create unique index on %s (order_id, key)', part);
    end case;
    execute format('alter table record.%I attach partition %s for values from (%s) to (%s)', of_table, part,
        record.first_place(number), record.first_place(number + 1));
end $$;

create function record.drop_partition(of_table text, number bigint) returns void language plpgsql as $$
begin
    execute format('drop table record.%I', of_table || '_' || number);
end $$;

create table record.checkpoint (                 -- how far the projector is in each source, and what became of its changes
    source        text primary key,
    epoch         integer not null,
    log           bigint not null,
    ordinal       integer not null,
    resume        bytea,
    snapshotting  boolean not null,
    anew          boolean not null default false, -- somebody asked for a new snapshot; nothing is projected of the source until it begins
    seen          bigint not null default 0,     -- as the source counts them
    applied       bigint not null default 0,
    superseded    bigint not null default 0,
    dead          bigint not null default 0,
    filtered      bigint not null default 0,
    committed_at  timestamptz,                   -- of the last change
    projected_at  timestamptz not null default now()
);

create table record.claim (                      -- whose a source is, where several projectors share the work
    source        text primary key,
    claim         bigint not null                -- rises with every projector that takes it over
);

create table record.turn (                       -- the projector that wrote last, where several do
    single        boolean primary key default true check (single),
    holder        text
);
insert into record.turn default values;

create table record.source_state (               -- what the capture says of each source, for people
    source        text primary key,
    state         text not null,                 -- starting, snapshotting, streaming, failed
    detail        text,                          -- why it failed
    lag_bytes     bigint,                        -- of the source's log, behind its end
    lag_changes   bigint,                        -- captured, not projected yet
    updated_at    timestamptz not null default now(),
    slot          text,                          -- what the source keeps for us: its wal_status, or absent
    kept_bytes    bigint,                        -- log that the source keeps for us
    safe_bytes    bigint,                        -- what it may still write before it drops some of that; null: it never does
    safe_seconds  float8,                        -- how long that lasts at the rate of late
    healed_at     timestamptz,                   -- when a snapshot was taken the last time because something was lost
    healed_reason text,                          -- and what was
    advice        text                           -- what to do, if anything
);

create view record.freshness as                  -- what everybody may know of a source
select source, s.state, c.committed_at, c.projected_at, now() as read_at,
    case when s.state = 'streaming' and s.lag_changes = 0 then greatest(s.updated_at, c.committed_at)
        else c.committed_at end as as_of
from record.source_state s full join record.checkpoint c using (source);

create sequence record.ledger_id;
create table record.ledger (                     -- every change that was projected, in the order it was
    id            bigint primary key default nextval('record.ledger_id'),
    source        text not null,
    epoch         integer not null,
    log           bigint not null,
    ordinal       integer not null,
    transaction   text,
    snapshot      text not null,                 -- no, part, last
    tbl           text not null,
    op            text not null,
    key           json not null,
    before        json,
    after         json,
    outcome       text not null,                 -- applied, superseded, dead
    committed_at  timestamptz,
    captured_at   timestamptz not null,
    projected_at  timestamptz not null default now(),
    mended_at     timestamptz                    -- until when it was dead, of a snapshot's row that was replayed in its place
) partition by range (id);
-- The history of one row of a source.
create index on record.ledger (hashtextextended(source || ' ' || tbl || ' ' || key::text, 0), id);
create index on record.ledger (source, tbl, id) where op = 't';
create index on record.ledger (id) where outcome = 'dead';
select record.add_partition('ledger', 0);

-- Of the ledger's partitions that were dropped: the latest of each row that was there at their end, whole, under its own
-- id; and what is dead and counts on. A row that is gone stands here while an older change of its source may be replayed.
create table record.base (like record.ledger including defaults including indexes);
create index on record.base (source, epoch, log, ordinal);

create view record.history as                    -- what is replayed
select * from record.base union all select * from record.ledger;

create table record.horizon (                    -- from when on the past can be told; no row: nothing was dropped
    single        boolean primary key default true check (single),
    known_since   timestamptz not null
);

create table record.dropped (                    -- what became of a source's changes that were dropped
    source        text primary key,
    applied       bigint not null default 0,
    superseded    bigint not null default 0,
    swept_epoch   integer                        -- of the last snapshot whose end was dropped
);

create table record.sweep (                      -- a snapshot ended here: what it did not bring is gone
    source        text not null,
    epoch         integer not null,
    log           bigint not null,
    ordinal       integer not null,
    ledger_id     bigint not null,               -- the last ledger row before it
    swept_at      timestamptz not null default now(),
    primary key (source, epoch)
);

-- What the graph's own tables have forgotten of where facts were, so that an order's past can be found in the ledger.
create table record.past_place (                 -- the change stated a fact of the document, and what is stored leads to neither
    doc           text not null,
    source        text not null,
    epoch         integer not null,
    log           bigint not null,
    ordinal       integer not null,
    primary key (doc, source, epoch, log, ordinal)
);
create table record.past_claim (                 -- a row of graph.claim that was dropped
    ident         text not null,
    doc           text not null,
    primary key (ident, doc)
);
create index on record.past_claim (doc);
create table record.past_link (                  -- a row of graph.link that was dropped
    ident         text not null,
    doc           text not null,
    primary key (ident, doc)
);
create index on record.past_link (doc);

create table record.feed_head (
    single        boolean primary key default true check (single),
    position      bigint not null,               -- the last one given out
    floor         bigint not null default 0,     -- the next one lies behind this one: a partition begins there
    gone          bigint not null default 0,     -- the last one whose event was dropped
    events        bigint not null default 0      -- how many there ever were
);
insert into record.feed_head (position) values (0);

create table record.feed (                       -- order events in commit order
    position      bigint primary key,
    order_id      text not null,
    version       bigint not null,
    type          text not null,
    key           text not null,                 -- names the happening; each enters the feed once
    subject       text not null,                 -- order, shipment, invoice, return
    subject_id    text not null,
    detail        text,                          -- the milestone's or reason's name where the type alone does not say it
    occurred_at   timestamptz,
    recorded_at   timestamptz not null default now(),
    facets        json not null,                 -- the order's facets after it
    snapshot      boolean not null,              -- it was found in a snapshot, not seen happening
    command_id    text,
    cause_source  text not null,
    cause_table   text not null,
    cause_op      text not null,
    cause_key     json not null,
    cause_position text not null,
    cause_transaction text,
    cause_committed_at timestamptz,
    cause_captured_at timestamptz,
    cause_ordinals integer[] not null default '{}',  -- places, in the cause's transaction, of all changes behind it
    visible_at    timestamptz not null default clock_timestamp()  -- its transaction ended right then
) partition by range (position);
select record.add_partition('feed', 0);

create table record.told (                       -- what an order's events told that were dropped, so that nothing is told twice
    order_id      text primary key,
    version       bigint not null,               -- of the latest of them
    keys          text[] not null                -- but those of ORDER_CHANGED, which names a place in a log
);

create table record.dead_letter (                -- changes that nobody could use; only what hangs on them waits
    id            bigint generated always as identity primary key,
    source        text not null,
    epoch         integer not null,
    log           bigint not null,
    ordinal       integer not null,
    tbl           text not null,
    op            text not null,
    key           text,                          -- the row's key as JSON, if it could be read
    raw           bytea not null,                -- the change as it came
    kind          text not null default 'UNMAPPED',  -- UNREADABLE, UNMAPPED, REFUSED, UNDERIVABLE
    reason        text not null,
    doc           text,                          -- the document that waits for it, if known
    order_id      text,                          -- the order that waits for it, if known
    attempts      integer not null default 1,
    first_seen    timestamptz not null default now(),
    last_seen     timestamptz not null default now(),
    resolved_at   timestamptz,
    resolution    text,                          -- REPLAYED, SUPERSEDED (its row was told anew), DISCARDED
    resolved_by   text
);
-- Of hashes: what is poison may be longer than an index can hold.
create unique index on record.dead_letter (source, epoch, log, ordinal, hashtextextended(coalesce(doc, ''), 0));
create index on record.dead_letter (hashtextextended(key, 0)) where resolved_at is null;
create index on record.dead_letter using hash (order_id) where resolved_at is null;

create view record.waiting as                    -- how many changes of an order and a source nobody could use so far
select source, order_id, count(*)::integer as letters
from record.dead_letter where resolved_at is null and order_id is not null group by source, order_id;

-- The order that a document or an identifier hangs under, as far as is known; null: of none.
create function record.order_of(of_doc text, of_ident text) returns text stable language sql as $$
    with recursive seed (doc) as (
        select of_doc where of_doc is not null
        union select doc from graph.claim where ident = of_ident
    ), up (doc) as (
        select doc from seed
        union select c.doc from up join graph.link l on l.doc = up.doc join graph.claim c on c.ident = l.ident
    ), named (ident) as (
        select of_ident
        union select l.ident from graph.link l join up using (doc)
        union select c.ident from graph.claim c join up using (doc)
    )
    select min(substr(ident, 14)) from named where starts_with(ident, 'order_number=')
$$;
