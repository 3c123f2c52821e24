-- name: letters
select id, source, epoch, log, ordinal, tbl, op, kind, reason, doc, order_id, attempts, first_seen, last_seen,
    resolved_at, resolution, resolved_by
from record.dead_letter
where ($1::text is null or source = $1) and ($2::text is null or order_id = $2) and ($3::boolean or resolved_at is null)
order by id

-- name: letter
select * from record.dead_letter where id = $1

-- name: requests
select * from command.dead_letter_request where $1 = any(letters) order by id
