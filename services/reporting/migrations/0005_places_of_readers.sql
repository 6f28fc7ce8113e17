-- One table says how far whom has read which stream: for the exception report as before, and for alerts. Replicas
-- of an earlier version cannot move a place of the exception report any more, and write nothing without it: the
-- reader of this version goes on where they stopped.
lock table followed, alert_checkpoints in access exclusive mode;
alter table followed add column reader text;
update followed set reader = 'reporting';
alter table followed alter column reader set not null;
alter table followed drop constraint followed_pkey;
alter table followed add primary key (reader, stream);
insert into followed (reader, stream, created, sequence)
    select 'alerts', stream, created, sequence from alert_checkpoints;
