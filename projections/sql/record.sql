-- What is durable beside the graph: it is never rebuilt, only migrated.
create schema record;

create table record.checkpoint (                 -- how far the projector is in each source, and what became of its changes
    source        text primary key,
    epoch         integer not null,
    log           bigint not null,
    ordinal       integer not null,
    resume        bytea,
    snapshotting  boolean not null,
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
    updated_at    timestamptz not null default now()
);

create view record.freshness as                  -- what everybody may know of a source
select source, s.state, c.committed_at, c.projected_at, now() as read_at,
    case when s.state = 'streaming' and s.lag_changes = 0 then greatest(s.updated_at, c.committed_at)
        else c.committed_at end as as_of
from record.source_state s full join record.checkpoint c using (source);

create table record.ledger (                     -- every change that was projected, in the order it was
    id            bigint generated always as identity primary key,
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
    projected_at  timestamptz not null default now()
);
create unique index on record.ledger (source, epoch, log, ordinal);

create table record.sweep (                      -- a snapshot ended here: what it did not bring is gone
    source        text not null,
    epoch         integer not null,
    log           bigint not null,
    ordinal       integer not null,
    ledger_id     bigint not null,               -- the last ledger row before it
    primary key (source, epoch)
);

create table record.feed_head (
    single        boolean primary key default true check (single),
    position      bigint not null
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
    unique (order_id, version),
    unique (order_id, key)
);

create table record.dead_letter (
    id            bigint generated always as identity primary key,
    source        text not null,
    epoch         integer not null,
    log           bigint not null,
    ordinal       integer not null,
    tbl           text not null,
    op            text not null,
    raw           bytea not null,                -- the change as it came
    reason        text not null,
    doc           text,                          -- the document that waits for it, if known
    first_seen    timestamptz not null default now(),
    last_seen     timestamptz not null default now(),
    resolved_at   timestamptz,
    unique (source, epoch, log, ordinal)
);
