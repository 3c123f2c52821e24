-- name: lock_order
-- Until commit, so that seq rises in commit order within one order.
select pg_advisory_xact_lock(hashtextextended('milepost_command:' || $1, 0))

-- name: accept
insert into command.command (id, client, key, kind, order_id, source, order_number, payload, digest, requested_by)
select $1, $2, $3, $4, o.id, o.source, o.number, $6, $7, $8 from graph.orders o where o.id = $5
on conflict (client, key) do nothing
returning *

-- name: by_key
select * from command.command where client = $1 and key = $2

-- name: notify
notify milepost_command

-- name: get
select * from command.command where id = $1

-- name: claim
-- SENDING is committed before anything is sent; the row is not held while it is, so that settling never waits.
with due as materialized (
    select id, state from command.command c
    where source = $1 and state in ('ACCEPTED', 'SENDING') and next_attempt_at <= now()
      and not exists (
          select from command.command e
          where e.order_id = c.order_id and e.seq < c.seq and e.state in ('ACCEPTED', 'SENDING'))
    order by next_attempt_at, seq
    limit 1
    for update skip locked
)
update command.command c
set state = 'SENDING', attempts = attempts + 1, sent_at = coalesce(sent_at, now()), next_attempt_at = now() + $2
from due where c.id = due.id
returning c.*

-- name: due
select extract(epoch from min(next_attempt_at) - now())::float8 from command.command c
where source = $1 and state in ('ACCEPTED', 'SENDING')
  and not exists (
      select from command.command e
      where e.order_id = c.order_id and e.seq < c.seq and e.state in ('ACCEPTED', 'SENDING'))

-- name: applied
update command.command set state = 'APPLIED', applied_at = $2, outcome = null
where id = $1 and state in ('SENDING', 'NEEDS_HUMAN')
returning true

-- name: rejected
update command.command set state = 'REJECTED', outcome = $3
where id = $1 and state = 'SENDING' and attempts = $2
returning true

-- name: retry
update command.command set outcome = $3, next_attempt_at = now() + $4
where id = $1 and state = 'SENDING' and attempts = $2
returning true

-- name: needs_human
update command.command set state = 'NEEDS_HUMAN', outcome = $3
where id = $1 and state = 'SENDING' and attempts = $2
returning true

-- name: refuse_unwritable
-- One that was being sent may have reached its source: only a person can tell.
update command.command
set state = case state when 'ACCEPTED' then 'REJECTED' else 'NEEDS_HUMAN' end,
    outcome = 'orders of ' || source || ' cannot be changed: no access to write is configured'
where state in ('ACCEPTED', 'SENDING') and next_attempt_at <= now() and not source = any($1::text[])

-- name: ask_about_letters
insert into command.dead_letter_request (client, key, action, dry_run, letters, note, requested_by)
values ($1, $2, $3, $4, $5::bigint[], $6, $7) on conflict (client, key) do nothing
returning *

-- name: asked_before
select * from command.dead_letter_request where client = $1 and key = $2

-- name: asked
select * from command.dead_letter_request where id = $1

-- name: notify_letters
notify milepost_letters

-- name: ask_past
-- No row for an instant that is yet to come.
with asked as (
    insert into command.past_request (order_id, as_of, occurred)
    select $1, $2, $3 where $2::timestamptz <= clock_timestamp() returning id
)
select id, pg_notify('milepost_past', '') from asked

-- name: past_answer
select answer::text as answer, problem from command.past_request where id = $1 and answered_at is not null
