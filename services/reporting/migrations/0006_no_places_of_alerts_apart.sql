-- contract
drop table alert_checkpoints;
