#!/bin/sh
# Whoever captures West: may read its tables, and its log as a replica does.
mariadb -uroot -p"$MARIADB_ROOT_PASSWORD" <<SQL
create user milepost_capture identified by '$CAPTURE_PASSWORD';
grant reload, replication slave, binlog monitor, slave monitor on *.* to milepost_capture;
grant select on west.* to milepost_capture;
SQL
