-- What the service's files of rules said when it last started, so that the audit can tell what changed.
create table rule_files (
    name text primary key,
    content text not null
);
