-- name: keep
-- A slot that stays where the log is now.
select pg_create_logical_replication_slot($1, 'pgoutput')

-- name: copy
select pg_copy_logical_replication_slot($1, $2)

-- name: subscribe
select format('create subscription %1$I connection %2$L publication %3$I with (create_slot = false, slot_name = %1$L,
    copy_data = false, enabled = false)', $1::text, $2::text, $3::text)

-- name: enable
select format('alter subscription %I enable', $1::text)

-- name: unsubscribe
select format('drop subscription %I', $1::text)
