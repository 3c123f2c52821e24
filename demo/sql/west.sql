-- The warehouse management system of 3PL West, a MariaDB. Times are those of the clock on its wall, and carry no zone.

create table outbound (
    outbound_id   bigint auto_increment primary key,
    doc_no        varchar(20) not null unique,        -- W1001
    customer_ref  varchar(40) not null,               -- the client's order number as it was keyed
    stage         char(2) not null default '10',
    entered_on    datetime not null,
    confirmed_on  datetime
);

create table outbound_item (
    outbound_id   bigint not null,
    pos           smallint not null,                  -- the client's line number
    article       varchar(20) not null,
    wanted        decimal(11,3) not null,
    picked        decimal(11,3) not null default 0,
    packed        decimal(11,3) not null default 0,
    missing       decimal(11,3) not null default 0,
    primary key (outbound_id, pos)
);

create table dispatch (
    dispatch_id   bigint auto_increment primary key,
    doc_no        varchar(20) not null unique,        -- WS1001
    outbound_id   bigint not null,
    haulier       varchar(10) not null,
    product       varchar(20) not null,
    consignment   varchar(40) not null,
    made_on       datetime not null,
    left_on       datetime,
    expected_on   datetime,
    signed_by     varchar(60),
    signed_on     datetime,
    is_void       tinyint(1) not null default 0
);

create table dispatch_item (
    dispatch_id   bigint not null,
    pos           smallint not null,
    article       varchar(20) not null,
    amount        decimal(11,3) not null,
    batch         varchar(20),
    primary key (dispatch_id, pos)
);

create table handling_unit (
    sscc          char(18) primary key,
    dispatch_id   bigint not null,
    consignment   varchar(40) not null,
    grams         int
);

create table tracking_event (
    event_id      bigint auto_increment primary key,
    dispatch_id   bigint not null,
    status        char(3) not null,
    happened_on   datetime not null,                  -- on the clock where it happened
    utc_minutes   smallint,                           -- how far that clock is ahead of UTC
    town          varchar(40),
    state         varchar(3),
    heard_on      datetime not null
);

create table article_stock (
    article       varchar(20) primary key,
    in_hand       decimal(13,3) not null,
    reserved      decimal(13,3) not null,
    counted_on    datetime not null
);
