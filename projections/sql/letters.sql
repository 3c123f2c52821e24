-- name: put_dead_letters
insert into record.dead_letter (source, epoch, log, ordinal, tbl, op, key, raw, kind, reason, doc, order_id)
select source, epoch, log, ordinal, tbl, op, key, raw, kind, reason, doc, record.order_of(doc, ident)
from unnest($1::text[], $2::int[], $3::bigint[], $4::int[], $5::text[], $6::text[], $7::text[], $8::bytea[], $9::text[],
    $10::text[], $11::text[], $12::text[]) n (source, epoch, log, ordinal, tbl, op, key, raw, kind, reason, doc, ident)
on conflict (source, epoch, log, ordinal, hashtextextended(coalesce(doc, ''), 0)) do update
set last_seen = now(), reason = excluded.reason, attempts = record.dead_letter.attempts + 1

-- name: open_letters
select count(*) as open, array_agg(doc) filter (where kind = 'UNDERIVABLE' and key is null) as docs
from record.dead_letter where resolved_at is null

-- name: supersede_letters
-- A row was told anew behind them, in a way that could be used.
update record.dead_letter d set resolved_at = now(), resolution = 'SUPERSEDED'
from unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::bigint[], $6::int[]) n (source, tbl, key, epoch, log, ordinal)
where d.resolved_at is null and hashtextextended(d.key, 0) = hashtextextended(n.key, 0)
    and (d.source, d.tbl, d.key) = (n.source, n.tbl, n.key)
    and (d.epoch, d.log, d.ordinal) < (n.epoch, n.log, n.ordinal)

-- name: mend_letters
update record.dead_letter set resolved_at = now(), resolution = 'SUPERSEDED'
where resolved_at is null and kind = 'UNDERIVABLE' and key is null and doc = any($1::text[])

-- name: supersede_by_snapshot
-- The snapshot of the epoch $2 told all rows anew, or not at all.
update record.dead_letter set resolved_at = now(), resolution = 'SUPERSEDED'
where resolved_at is null and source = $1 and epoch < $2

-- name: take_request
select id, action, dry_run, letters, requested_by from command.dead_letter_request
where done_at is null order by id limit 1 for update skip locked

-- name: letters_asked
select id, source, epoch, log, ordinal, tbl, op, key, raw, kind, reason, doc, order_id, resolved_at
from record.dead_letter where id = any($1::bigint[]) order by source, epoch, log, ordinal for update

-- name: ledger_of
select id, source, epoch, log, ordinal, transaction, snapshot, tbl, op, key::text as key, before::text as before,
    after::text as after, committed_at, captured_at
from record.history where (source, epoch, log, ordinal) = ($1, $2, $3, $4) and outcome = 'dead'

-- name: leave_ledger
-- It enters anew: the ledger is in the order in which changes were projected.
with based as (delete from record.base where id = $1) delete from record.ledger where id = $1

-- name: mend_ledger
-- Of a snapshot's row: it counts before the sweep at the snapshot's end.
with based as (update record.base set outcome = $2, mended_at = now() where id = $1)
update record.ledger set outcome = $2, mended_at = now() where id = $1

-- name: recount
update record.checkpoint
set dead = dead - 1, applied = applied + $2, superseded = superseded + $3, filtered = filtered + $4
where source = $1 and (epoch, log, ordinal) = ($5, $6, $7)

-- name: resolve_letter
update record.dead_letter
set resolved_at = now(), resolution = $2, resolved_by = $3, last_seen = now(), attempts = attempts + $4
where id = $1

-- name: try_letter
update record.dead_letter set reason = $2, last_seen = now(), attempts = attempts + 1 where id = $1

-- name: answer_request
update command.dead_letter_request set done_at = now(), outcome = $2::text::json where id = $1
