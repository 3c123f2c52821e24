-- What the demo adds to East's database; see demo_erp.sql.
alter table wh_order alter column id restart with 1000000001;
alter table wh_shipment alter column id restart with 1000000001;
alter table wh_scan alter column id restart with 1000000001;

create schema demo authorization east_app;
create table demo.demo_progress (
    story text primary key,
    step  bigint not null
);
alter table demo.demo_progress owner to east_app;

grant usage on schema public to milepost_capture;
grant select on all tables in schema public to milepost_capture;

create publication milepost_east for table
    wh_order, wh_order_line, wh_shipment, wh_shipment_line, wh_carton, wh_scan, wh_stock;
