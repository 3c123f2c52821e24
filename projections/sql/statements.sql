-- name: load_checkpoints
select source, epoch, log, ordinal, resume, snapshotting from record.checkpoint

-- name: ask_anew
-- A new snapshot of the source $1; the epoch that it is in now.
update record.checkpoint set anew = true where source = $1 returning epoch

-- name: epoch_of
select epoch from record.checkpoint where source = $1

-- name: asked_anew
select source from record.checkpoint where anew limit 1

-- name: begin_anew
-- Whoever goes on behind this checkpoint knows no place to resume at.
update record.checkpoint set anew = false, resume = null where anew

-- name: read_anew
-- Whether a snapshot behind the epoch $2 has begun, and whether it is whole.
select epoch > $2 as begun, epoch > $2 and not snapshotting as whole from record.checkpoint where source = $1

-- name: take_projector_lock
-- One projector at a time: whoever holds this session lock. A zombie finds the checkpoint moved and is fenced.
select pg_try_advisory_lock(742511, 1)

-- name: share_projector_lock
-- Projectors that share the sources of one graph keep out one that takes all of them, and are kept out by it.
select pg_try_advisory_lock_shared(742511, 1)

-- name: claim
-- These sources are the caller's from now on. Waits for whoever is just writing with an older claim.
insert into record.claim (source, claim) select source, 1 from unnest($1::text[]) s (source) order by source
on conflict (source) do update set claim = claim.claim + 1
returning source, claim

-- name: take_turn
-- One projector writes at a time: the row stays locked until commit. Says who wrote last.
select holder from record.turn for update

-- name: put_turn
update record.turn set holder = $1

-- name: held_claims
-- Which of these claims still hold; they do until commit.
select source from record.claim where (source, claim) in (select * from unnest($1::text[], $2::bigint[]))
order by source for share

-- name: stay
-- Before a transaction's snapshot is taken: until it ends, no rebuilt graph takes the place of this one.
lock table graph.revision in access share mode

-- name: anything_stored
select exists (select from graph.fact) or exists (select from record.feed) or exists (select from record.told)

-- name: known_keys
select source, key, epoch, log, ordinal, doc, fact from graph.fact
where (source, key) in (select * from unnest($1::text[], $2::text[]))

-- name: keys_of_table
select key from graph.fact
where source = $1 and exists (select from unnest($2::text[]) prefix where starts_with(key, prefix)) and doc is not null

-- name: component
-- All facts of the documents that hang together with these documents and identifiers, or claim the same.
with recursive seed (doc) as (
    select unnest($1::text[])
    union select doc from graph.claim where ident = any($2::text[])
    union select doc from graph.link where ident = any($2::text[])
), reached (doc) as (
    select doc from seed
    union
    select near.doc from reached cross join lateral (
        select c.doc from graph.link l join graph.claim c using (ident) where l.doc = reached.doc
        union all
        select l.doc from graph.claim c join graph.link l using (ident) where c.doc = reached.doc
        union all
        select other.doc from graph.claim c join graph.claim other using (ident) where c.doc = reached.doc
    ) near
)
-- By an array: joined, all facts would be read, since nobody can tell beforehand how few are reached.
select source, key, epoch, log, ordinal, doc, fact from graph.fact where doc = any (array (select doc from reached))

-- name: emitted
select order_id, coalesce(array_agg(key) filter (where key is not null), '{}') as keys, max(version) as version from (
    select order_id, key, version from record.feed where order_id = any($1::text[])
    union all
    select order_id, key, version from record.told left join unnest(keys) key on true where order_id = any($1::text[])
) events group by order_id

-- name: change_facts
update graph.fact f set (epoch, log, ordinal, doc, fact) = (n.epoch, n.log, n.ordinal, n.doc, n.fact)
from unnest($1::text[], $2::text[], $3::int[], $4::bigint[], $5::int[], $6::text[], $7::bytea[])
    n (source, key, epoch, log, ordinal, doc, fact)
where (f.source, f.key) = (n.source, n.key)

-- name: put_claims
insert into graph.claim (ident, doc) select * from unnest($1::text[], $2::text[]) on conflict do nothing

-- name: drop_claims
delete from graph.claim where (ident, doc) in (select * from unnest($1::text[], $2::text[]))

-- name: put_links
insert into graph.link (ident, doc) select * from unnest($1::text[], $2::text[]) on conflict do nothing

-- name: drop_links
delete from graph.link where (ident, doc) in (select * from unnest($1::text[], $2::text[]))

-- name: take_feed_positions
-- The row stays locked until commit: positions are in commit order.
update record.feed_head set position = greatest(position, floor) + $1, events = events + $1 returning position - $1

-- name: add_checkpoint
insert into record.checkpoint (source, epoch, log, ordinal, resume, snapshotting, seen, applied, superseded, dead, filtered, committed_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
on conflict (source) do nothing

-- name: advance_checkpoint
-- Guarded by where the projector believes it stands: no row means another one has moved on.
update record.checkpoint
set epoch = $2, log = $3, ordinal = $4, resume = $5, snapshotting = $6, seen = seen + $7, applied = applied + $8,
    superseded = superseded + $9, dead = dead + $10, filtered = filtered + $11,
    committed_at = coalesce($12, committed_at), projected_at = now()
where source = $1 and (epoch, log, ordinal) = ($13, $14, $15) and not anew

-- name: settle
select command.settle($1::text[], $2::bigint)

-- name: wake_feed
select pg_notify('milepost_feed', $1::text)

-- name: put_source_state
insert into record.source_state as s (source, state, detail, lag_bytes, lag_changes, slot, kept_bytes, safe_bytes,
    safe_seconds, healed_at, healed_reason, advice)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
on conflict (source) do update set (state, detail, lag_bytes, lag_changes, updated_at, slot, kept_bytes, safe_bytes,
    safe_seconds, healed_at, healed_reason, advice)
    = (excluded.state, excluded.detail, excluded.lag_bytes, excluded.lag_changes, now(), excluded.slot,
    excluded.kept_bytes, excluded.safe_bytes, excluded.safe_seconds, coalesce(excluded.healed_at, s.healed_at),
    coalesce(excluded.healed_reason, s.healed_reason), excluded.advice)

-- name: swept_keys
-- Facts that a finished snapshot did not bring again.
select key from graph.fact where source = $1 and epoch < $2 and doc is not null limit $3

-- name: put_sweep
insert into record.sweep (source, epoch, log, ordinal, ledger_id)
select $1, $2, $3, $4, coalesce(max(id), 0) from record.history
on conflict (source, epoch) do nothing

-- name: facts_end
-- The document of the $2th fact behind $1, or of the last one.
select coalesce(
    (select doc from graph.fact where doc > $1 order by doc offset $2 limit 1),
    (select max(doc) from graph.fact where doc > $1)
)

-- name: roots_between
-- Documents that hang under no other, and those that may be in a circle: something hangs below, and two are above, which may
-- be themselves. Offset 0, lest all links are read for some documents.
with near as materialized (select distinct doc from graph.fact where doc > $1 and doc <= $2)
select doc from near
where not exists (select from graph.link l join graph.claim c using (ident) where l.doc = near.doc offset 0)
    or exists (select from graph.claim c join graph.link l using (ident) where c.doc = near.doc offset 0)
        and exists (
            select from graph.link l join graph.claim c using (ident)
                join graph.link above on above.doc = c.doc join graph.claim a on a.ident = above.ident
            where l.doc = near.doc offset 0
        )
order by doc

-- name: causes
select source, epoch, log, ordinal, tbl, op, key::text as key, null as before, null as after, transaction, committed_at,
    captured_at
from record.history
where (source, epoch, log, ordinal) in (select * from unnest($1::text[], $2::int[], $3::bigint[], $4::int[]))

-- name: ledger_after
select id, source, epoch, log, ordinal, transaction, tbl, op, key::text as key, before::text as before,
    after::text as after, case when mended_at > $3::timestamptz then 'dead' else outcome end as outcome, committed_at,
    captured_at
from record.history where id > $1 and ($3 is null or projected_at <= $3) order by id limit $2

-- name: sweeps
-- What snapshots swept until $1, or ever.
select source, epoch, log, ordinal, ledger_id, swept_at from record.sweep
where $1::timestamptz is null or swept_at <= $1 order by ledger_id, source

-- name: move_revisions
insert into graph.revision (subject, revision)
select subject, pg_current_xact_id()::text::bigint from unnest($1::text[]) as moved (subject)
on conflict (subject) do update set revision = excluded.revision
