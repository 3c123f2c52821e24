-- What the demo adds to the ERP's database. The story names its own rows up to a billion; whatever a person or an
-- adapter inserts beside it gets a number above, so the two never meet.
alter table ordhld alter column hldid restart with 1000000001;
alter table alcdtl alter column alcid restart with 1000000001;
alter table chgdtl alter column chgid restart with 1000000001;

create schema demo authorization erp_app;
create table demo.demo_progress (
    story text primary key,
    step  bigint not null          -- steps of the story up to this number are in this database
);
alter table demo.demo_progress owner to erp_app;

grant usage on schema public to milepost_capture;
grant select on all tables in schema public to milepost_capture;

create publication milepost_erp for table
    cusmst, cussht, itmmst, ordhdr, ordlin, ordhld, alcdtl, pckrel, shppst, shppsl,
    invhdr, invdtl, rtnhdr, rtndtl, invbal, chgdtl;
