create table items (client text not null, key text not null, value text not null, primary key (client, key));
