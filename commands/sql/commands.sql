create schema command;

create table command.command (
    id            text primary key,              -- ours, given to the partner as the key of the effect
    client        text not null,                 -- who asked; keys are the client's own
    key           text not null,                 -- the idempotency key
    kind          text not null,                 -- HOLD_ORDER, RELEASE_HOLD
    order_id      text not null,
    payload       json not null,
    digest        text not null,                 -- of kind, order and payload: the same key with another digest is a conflict
    state         text not null default 'ACCEPTED',
                  -- ACCEPTED, SENDING, APPLIED (the partner has it), SETTLED (its change came back),
                  -- REJECTED, NEEDS_HUMAN
    outcome       text,                          -- why it was rejected or needs a human
    attempts      integer not null default 0,
    requested_by  text not null,
    accepted_at   timestamptz not null default now(),
    sent_at       timestamptz,
    applied_at    timestamptz,
    settled_at    timestamptz,
    settled_position bigint,                     -- the feed position behind which its effect is visible
    next_attempt_at timestamptz not null default now(),
    unique (client, key)
);
create index on command.command (next_attempt_at) where state in ('ACCEPTED', 'SENDING');
create index on command.command (order_id);
