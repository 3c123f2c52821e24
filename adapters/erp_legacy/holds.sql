-- name: lock_order
select ordsts, hldcd from ordhdr where ordno = $1 for update

-- name: find
select hlddt at time zone $2 from ordhld where extref = $1

-- name: log
-- The clock and not now(): the row may have been waited for.
insert into ordhld (ordno, actcd, hldcd, hldnte, usrid, extref, hlddt)
values ($1, $2, $3, $4, $5, $6, clock_timestamp() at time zone $7)
on conflict (extref) do nothing
returning hlddt, hlddt at time zone $7 as at

-- name: hold
update ordhdr set hldcd = $2, hlddt = $3, chgdt = $3 where ordno = $1

-- name: release
update ordhdr set hldcd = null, hlddt = null, chgdt = $2 where ordno = $1
