-- Of a hold because an approval was taken back: the round of that approval, so that the same one is known as such.
alter table payable_holds add column round integer;
