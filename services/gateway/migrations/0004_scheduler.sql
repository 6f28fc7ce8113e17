-- As whom schedules start jobs that declare one: those of technical administrators, for the client of a single
-- one. Nobody can sign in with it; whoever needs more of it, or less, changes it like any other.
insert into principals (id, name, kind, roles, clients, changed_by)
values ('service-scheduler', 'Scheduler', 'service', array['technical'], array['main'], 'installation')
on conflict (id) do nothing;
