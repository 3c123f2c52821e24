-- name: only_keeper
-- As a rebuild does: neither may drop what the other one reads.
select pg_try_advisory_lock(742511, 3)

-- name: forget_letters
-- Some of those that were settled before $1; how many.
with gone as (
    delete from record.dead_letter where id in (
        select id from record.dead_letter where resolved_at < $1 order by id limit 1000
    ) returning 1
) select count(*) from gone

-- name: forget_requests
with gone as (
    delete from command.dead_letter_request where id in (
        select id from command.dead_letter_request where done_at < $1 order by id limit 1000
    ) returning 1
) select count(*) from gone
