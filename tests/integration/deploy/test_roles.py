"""What each role of the database may touch: its own schema, and nothing else that the catalogue knows."""

import asyncio
from collections.abc import Iterator, Sequence

import asyncpg
import pytest

from deploy.roles import AUDIT_KEEPER
from tests.support.servers import SERVICES, PostgresServer, run_apart

AUDIT, LOG = "audit", "audit_log"
ROLES = (*SERVICES, AUDIT_KEEPER)
#: Of these schemas more than nothing is allowed to a role of another name.
SHARED = {AUDIT: {LOG}, AUDIT_KEEPER: {LOG}}

DENIED = asyncpg.InsufficientPrivilegeError
#: With a column that may be written, which the catalogue names.
STATEMENTS = (
    "select * from {table} limit 1",
    "insert into {table} default values",
    "update {table} set {column} = default where false",
    "delete from {table} where false",
    "truncate {table}",
    "drop table {table}",
    "alter table {table} add column of_another int",
    "lock table {table} in access share mode",
)


class Tables:
    """All tables and views of a database that are none of PostgreSQL's own: schema, name, a column."""

    def __init__(self, rows: Sequence[asyncpg.Record]) -> None:
        self.rows = [(row["schema"], row["name"], row["column"]) for row in rows]

    @classmethod
    async def read(cls, url: str) -> "Tables":
        admin = await asyncpg.connect(url)
        try:
            rows = await admin.fetch(
                "select n.nspname as schema, c.relname as name, min(a.attname) as column"
                " from pg_class c join pg_namespace n on n.oid = c.relnamespace"
                " join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped"
                " and a.attgenerated = '' and a.attidentity = ''"
                " where c.relkind in ('r', 'p', 'v', 'm') and n.nspname !~ '^(pg_|information_schema)'"
                " group by 1, 2 order by 1, 2"
            )
        finally:
            await admin.close()
        return cls(rows)

    def of(self, schema: str) -> list[tuple[str, str]]:
        return [(f'"{one}"."{name}"', f'"{column}"') for one, name, column in self.rows if one == schema]

    @property
    def schemas(self) -> set[str]:
        return {schema for schema, _, _ in self.rows}


async def refused(connection: asyncpg.Connection, statement: str) -> bool:
    """Whether the role lacks the right. What it may do is taken back."""
    transaction = connection.transaction()
    await transaction.start()
    try:
        await connection.execute(statement)
    except DENIED:
        return True
    except asyncpg.PostgresError:
        # Refused for what it says, after the right was looked at.
        return False
    finally:
        await transaction.rollback()
    return False


@pytest.fixture(scope="module")
def database_name(postgres: PostgresServer) -> Iterator[str]:
    """One for all tests here: none of them leaves anything."""
    name = postgres.create_database()
    yield name
    postgres.drop_database(name)


@pytest.fixture(scope="module")
def tables(postgres: PostgresServer, database_name: str) -> Tables:
    return run_apart(Tables.read(postgres.config.admin_url(database_name)))


async def allowed_elsewhere(url: str, role: str, tables: Tables) -> tuple[int, list[str]]:
    """How much a role has tried in schemas of others, and what of it went."""
    connection = await asyncpg.connect(url)
    tried, went = 0, []
    try:
        for schema in sorted(tables.schemas - {role} - SHARED.get(role, set())):
            for table, column in tables.of(schema):
                for statement in STATEMENTS:
                    said = statement.format(table=table, column=column)
                    tried += 1
                    if not await refused(connection, said):
                        went.append(f"{role}: {said}")
    finally:
        await connection.close()
    return tried, went


async def test_no_role_touches_a_table_of_another(
    postgres: PostgresServer, database_name: str, tables: Tables
) -> None:
    assert {"gateway", "documents", "integrations", "reporting", "status", AUDIT, LOG} <= tables.schemas
    found = await asyncio.gather(
        *(allowed_elsewhere(postgres.url(role, database_name), role, tables) for role in ROLES)
    )
    assert [said for _, went in found for said in went] == []
    others = len(tables.rows) * len(ROLES) - sum(
        len(tables.of(schema)) for role in ROLES for schema in {role, *SHARED.get(role, set())}
    )
    assert sum(tried for tried, _ in found) == others * len(STATEMENTS) > 1000


async def test_no_right_on_a_table_waits_behind_the_door_of_its_schema(
    postgres: PostgresServer, database_name: str
) -> None:
    """A role without the use of a schema is refused whatever its tables say; they say no as well."""
    admin = await asyncpg.connect(postgres.config.admin_url(database_name))
    rights = await admin.fetch(
        "select r.rolname as role, n.nspname as schema, c.relname as name from pg_roles r, pg_class c"
        " join pg_namespace n on n.oid = c.relnamespace"
        " where r.rolname = any($1) and n.nspname !~ '^(pg_|information_schema)' and n.nspname <> r.rolname"
        " and ((c.relkind in ('r', 'p', 'v', 'm') and has_table_privilege(r.oid, c.oid,"
        " 'select, insert, update, delete, truncate, references, trigger, maintain'))"
        " or (c.relkind = 'S' and has_sequence_privilege(r.oid, c.oid, 'usage, select, update')))",
        list(ROLES),
    )
    await admin.close()
    assert {(row["role"], row["schema"]) for row in rights} == {(AUDIT, LOG), (AUDIT_KEEPER, LOG)}


@pytest.mark.parametrize("role", ROLES)
async def test_a_role_leaves_neither_its_schema_nor_its_database(
    role: str, postgres: PostgresServer, database_name: str
) -> None:
    connection = await asyncpg.connect(postgres.url(role, database_name))
    other = "documents" if role != "documents" else "gateway"
    for statement in (
        "create table public.anything (id int)",
        "create schema anything",
        f"create table {other}.anything (id int)",
        f"alter schema {other} rename to anything",
        f"drop schema {other} cascade",
        f"set role {other}",
        "set role postgres",
        f"grant {other} to {role}",
        f"alter role {role} createrole",
        f"alter role {other} password 'mine'",
        "create role anything",
        "create database anything",
        f"drop database {database_name}",
        "create function anything() returns int language c as 'libc', 'getpid'",
        "select pg_read_file('postgresql.conf')",
        "select pg_ls_dir('.')",
        "select lo_import('/etc/passwd')",
        "copy (select 1) to program 'id'",
        "copy (select 1) to '/tmp/anything'",
        "select * from pg_authid",
        "select pg_reload_conf()",
        "alter system set fsync = off",
    ):
        with pytest.raises(DENIED):
            await connection.execute(statement)
    await connection.close()
    for database in ("postgres", "template1"):
        with pytest.raises(DENIED):
            await asyncpg.connect(postgres.url(role, database))


@pytest.mark.parametrize("role", SERVICES)
async def test_a_service_does_all_in_its_own_schema(
    role: str, postgres: PostgresServer, database_name: str, tables: Tables
) -> None:
    connection = await asyncpg.connect(postgres.url(role, database_name))
    for table, column in tables.of(role):
        for statement in STATEMENTS:
            assert not await refused(connection, statement.format(table=table, column=column))
    await connection.execute("create table anything (id int)")
    await connection.execute("drop table anything")
    await connection.close()


async def test_the_audit_log_can_be_read_and_lengthened_and_nothing_else(
    postgres: PostgresServer, database_name: str, tables: Tables
) -> None:
    """What of it the keeper may remove is tested with the audit service."""
    for role in (AUDIT, AUDIT_KEEPER):
        connection = await asyncpg.connect(postgres.url(role, database_name))
        for table, column in tables.of(LOG):
            known = "migrations" not in table
            assert await refused(connection, f"select * from {table} limit 1") == (not known)
            for statement in (
                "truncate {table}",
                "drop table {table}",
                "alter table {table} add column x int",
            ):
                assert await refused(connection, statement.format(table=table, column=column))
        for table in (f"{LOG}.entries", f"{LOG}.contents"):
            assert not await refused(connection, f"insert into {table} default values")
        assert await refused(connection, f"delete from {LOG}.entries where false")
        assert await refused(connection, f"delete from {LOG}.contents where false") == (role == AUDIT)
        await connection.close()
