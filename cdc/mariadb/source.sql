-- What capture asks a MariaDB.

-- name: settings
-- Its number, its log, the global rights of the user by name, and whether these are all: a role may bring more.
select @@server_id, @@log_bin, @@global.binlog_format, @@global.binlog_row_image,
    (select group_concat(privilege_type) from information_schema.user_privileges
     where grantee = concat('''', replace(current_user(), '@', '''@'''), '''')),
    current_role() is null

-- name: tables
-- The tables of a database that the user sees, and how many columns their primary keys have.
select table_name, cast(sum(column_key = 'PRI') as signed)
from information_schema.columns where table_schema = %s group by table_name

-- name: definition
-- How the table was made. Nothing else tells somebody who may only read of its foreign keys.
show create table {}

-- name: logs
show binary logs

-- name: written
-- Whether anything is in the log.
select @@global.gtid_binlog_pos <> ''

-- name: write
-- Something harmless, that the log keeps.
flush hosts

-- name: events
-- What a file of the log has behind a place in it. No place of it is an error.
show binlog events in %s from %s limit 1000

-- name: gtids
-- What had been committed at this place of this file; null if that is no place of the log.
select binlog_gtid_pos(%s, %s)

-- name: readers
-- How many read the log as this user.
select count(*) from information_schema.processlist
where user = substring_index(user(), '@', 1) and command = 'Binlog Dump'

-- name: prepared
-- The transactions that are prepared: to be committed or rolled back by somebody at any time.
xa recover
