create schema command;

create table command.command (
    id            text primary key,              -- ours, given to the partner as the key of the effect
    seq           bigint generated always as identity unique,  -- the order of acceptance, strict within one order
    client        text not null,                 -- who asked; keys are the client's own
    key           text not null,                 -- the idempotency key
    kind          text not null,                 -- HOLD_ORDER, RELEASE_HOLD
    order_id      text not null,
    source        text not null,                 -- who owned the order when it was accepted: the graph may be rebuilt meanwhile
    order_number  text not null,                 -- what that source calls the order
    payload       json not null,
    digest        text not null,                 -- of kind, order and payload: the same key with another digest is a conflict
    state         text not null default 'ACCEPTED',
                  -- ACCEPTED, SENDING, APPLIED (the partner has it), SETTLED (its change came back),
                  -- REJECTED, NEEDS_HUMAN
    outcome       text,                          -- why it was rejected, needs a human, or is not through yet
    attempts      integer not null default 0,
    requested_by  text not null,
    accepted_at   timestamptz not null default now(),
    sent_at       timestamptz,                   -- the first attempt
    applied_at    timestamptz,
    settled_at    timestamptz,
    settled_position bigint,                     -- the feed position behind which its effect is visible
    next_attempt_at timestamptz not null default now(),  -- of one in SENDING: how long its worker may take
    unique (client, key)
);
create index on command.command (source, next_attempt_at) where state in ('ACCEPTED', 'SENDING');
create index on command.command (order_id, seq);

create table command.dead_letter_request (       -- what was asked about dead letters, by whom, and what came of it
    id            bigint generated always as identity primary key,
    client        text not null,
    key           text not null,                 -- the idempotency key, the client's own
    action        text not null,                 -- REPLAY, DISCARD
    dry_run       boolean not null,              -- only tell what a replay would change
    letters       bigint[] not null,
    note          text,                          -- why
    requested_by  text not null,
    requested_at  timestamptz not null default now(),
    done_at       timestamptz,                   -- when the projector had carried it out
    outcome       json,                          -- for each letter what became of it, and what changed
    unique (client, key)
);
create index on command.dead_letter_request (id) where done_at is null;

create unlogged table command.past_request (     -- an order's past that somebody waits for; forgotten after a minute
    id            bigint generated always as identity primary key,
    order_id      text not null,
    as_of         timestamptz not null,
    occurred      boolean not null,              -- as it had happened by then, not as it was known
    asked_at      timestamptz not null default clock_timestamp(),
    answered_at   timestamptz,
    answer        json,                          -- table of the graph → rows; null: there was no such order
    problem       text                           -- why there is no answer
);

-- For the projector, in its own transaction: the effects of these commands are in the graph behind this feed position.
-- Returns how many were settled now; one that is settled already keeps its first position.
create function command.settle(command_ids text[], at_position bigint) returns integer language sql as $$
    with settled as (
        update command.command
        set state = 'SETTLED', outcome = null, settled_position = at_position, settled_at = now(),
            applied_at = coalesce(applied_at, now())
        where id = any(command_ids) and state in ('ACCEPTED', 'SENDING', 'APPLIED', 'NEEDS_HUMAN')
        returning 1
    )
    select count(*)::integer from settled
$$;
