-- The legacy ERP of the demo distributor: an order system of the 1990s moved to Postgres.
-- Dates are local wall-clock of the head office (America/Chicago), codes are one or two letters.

create table cusmst (                     -- customers
    cusno   integer primary key,
    cusnam  varchar(60) not null,
    custyp  char(1) not null default 'A', -- A active, S suspended
    curcd   char(3) not null default 'USD',
    crtdt   timestamp not null,
    chgdt   timestamp not null
);

create table cussht (                     -- ship-to addresses of a customer
    cusno   integer not null references cusmst,
    shtno   smallint not null,
    shtnam  varchar(60) not null,
    adr1    varchar(60) not null,
    city    varchar(40) not null,
    stcd    varchar(3) not null,
    zip     varchar(10) not null,
    ctry    char(2) not null default 'US',
    primary key (cusno, shtno)
);

create table itmmst (                     -- items
    itmno   varchar(20) primary key,
    itmdsc  varchar(60) not null,
    uom     char(2) not null default 'EA',
    lstprc  numeric(11,4) not null,
    itmsts  char(1) not null default 'A'  -- A active, D discontinued
);

create table ordhdr (                     -- order headers
    ordno   integer primary key,
    cusno   integer not null references cusmst,
    shtno   smallint not null,
    cuspo   varchar(30),                  -- the customer's purchase order number
    ordsrc  char(2) not null,             -- S1 shop one, S2 shop two, ED EDI, IS inside sales
    ordsts  char(2) not null,             -- 10 entered, 20 accepted, 60 complete, 90 cancelled, 95 rejected
    hldcd   char(2),                      -- null none, CR credit, CS customer service
    hlddt   timestamp,                    -- since when it is on hold
    orddt   timestamp not null,
    accdt   timestamp,                    -- accepted
    reqdt   date,                         -- delivery requested by the customer
    prmdt   date,                         -- delivery promised by us
    cnldt   timestamp,
    curcd   char(3) not null default 'USD',
    whs     char(2),                      -- preferred warehouse, EA East
    ordnte  text,
    chgdt   timestamp not null
);

create table ordlin (                     -- order lines
    ordno   integer not null references ordhdr,
    linno   smallint not null,
    itmno   varchar(20) not null references itmmst,
    qtyord  numeric(11,3) not null,
    qtybko  numeric(11,3) not null default 0,   -- backordered now
    qtycnl  numeric(11,3) not null default 0,   -- cancelled
    clscd   char(1) not null default 'O',       -- O open, C cancelled, S closed short
    untprc  numeric(11,4) not null,
    uom     char(2) not null,
    prmdt   date,
    primary key (ordno, linno)
);

create table ordhld (                     -- hold and release log
    hldid   bigint generated always as identity primary key,
    ordno   integer not null references ordhdr,
    actcd   char(1) not null,             -- H hold, R release
    hldcd   char(2),
    hldnte  varchar(200),
    usrid   varchar(20) not null,
    extref  varchar(64) unique,           -- key of the caller that asked for it, if any
    hlddt   timestamp not null
);

create table alcdtl (                     -- stock allocated to lines
    alcid   bigint generated always as identity primary key,
    ordno   integer not null,
    linno   smallint not null,
    whs     char(2) not null,
    qtyalc  numeric(11,3) not null,
    alcdt   timestamp not null,
    foreign key (ordno, linno) references ordlin
);

create table pckrel (                     -- pick releases sent to a warehouse
    relno   integer not null,
    ordno   integer not null,
    linno   smallint not null,
    whs     char(2) not null,
    qtyrel  numeric(11,3) not null,
    reldt   timestamp not null,
    primary key (relno, linno),
    foreign key (ordno, linno) references ordlin
);

create table shppst (                     -- shipments posted after a warehouse confirmed them
    pstno   integer primary key,
    ordno   integer not null references ordhdr,
    whs     char(2) not null,
    whsref  varchar(20),                  -- the warehouse's own shipment number
    carcd   varchar(4),
    trkno   varchar(40),
    shpdt   timestamp not null
);

create table shppsl (                     -- lines of posted shipments
    pstno   integer not null references shppst,
    linno   smallint not null,
    qtyshp  numeric(11,3) not null,
    primary key (pstno, linno)
);

create table invhdr (                     -- invoices
    invno   integer primary key,
    ordno   integer not null references ordhdr,
    invtyp  char(1) not null default 'I', -- I invoice, C credit memo
    invsts  char(1) not null,             -- O open, P paid, D disputed, V void
    invdt   timestamp not null,
    duedt   date not null,
    paydt   timestamp,
    invamt  numeric(13,2) not null,
    curcd   char(3) not null
);

create table invdtl (                     -- invoice lines
    invno   integer not null references invhdr,
    seqno   smallint not null,
    linno   smallint not null,            -- the order line
    qtyinv  numeric(11,3) not null,
    extamt  numeric(13,2) not null,
    primary key (invno, seqno)
);

create table rtnhdr (                     -- return authorizations
    rmano   integer primary key,
    ordno   integer not null references ordhdr,
    rtnsts  char(1) not null,             -- A authorized, T in transit, R received, S restocked, F refunded
    rsncd   char(2) not null,             -- DM damaged, WR wrong item, NW not wanted
    autdt   timestamp not null,
    rcvdt   timestamp,
    stkdt   timestamp,
    rfddt   timestamp
);

create table rtndtl (
    rmano   integer not null references rtnhdr,
    linno   smallint not null,
    qtyrtn  numeric(11,3) not null,
    primary key (rmano, linno)
);

create table invbal (                     -- inventory balances as the ERP believes them
    itmno   varchar(20) not null references itmmst,
    whs     char(2) not null,
    qtyoh   numeric(13,3) not null,       -- on hand
    qtyal   numeric(13,3) not null,       -- allocated
    chgdt   timestamp not null,
    primary key (itmno, whs)
);

create table chgdtl (                     -- charges: what a shipment or an order cost
    chgid   bigint generated always as identity primary key,
    ordno   integer not null references ordhdr,
    pstno   integer references shppst,
    chgcd   char(2) not null,             -- FR freight, FS fuel surcharge, HD handling, AC accessorial
    chgamt  numeric(11,2) not null,
    curcd   char(3) not null,
    chgdt   timestamp not null
);

create index on ordlin (itmno);
create index on alcdtl (ordno, linno);
create index on pckrel (ordno, linno);
create index on shppst (ordno);
create index on invhdr (ordno);
create index on rtnhdr (ordno);
create index on chgdtl (ordno);
create index on ordhld (ordno);
