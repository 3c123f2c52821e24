-- Unlogged tables are filled faster and read as others are; PostGraphile does not show them.
alter table graph.orders set unlogged;
alter table graph.line set unlogged;
alter table graph.shipment set unlogged;
alter table graph.milestone set unlogged;
alter table graph.invoice set unlogged;
alter table graph.reference set unlogged;
