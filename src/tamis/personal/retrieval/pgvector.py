"""Vectors in PostgreSQL with the extension pgvector: searched by whoever reaches the server, on however many machines.

Everything lies in a schema of its own, so that the database may hold an annotation project too. Without an index
PostgreSQL compares all vectors, exactly; with one it walks a graph of neighbours (HNSW, Malkov and Yashunin 2018).
"""

import fnmatch
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tamis.errors import InputError, OutputError, UnavailableError
from tamis.personal.retrieval.store import Filter, Nearest, Rows
from tamis.personal.retrieval.vectors import shown

SCHEMA = "tamis_vectors"

LOCK = 7_461_630
"""The number of the lock by which programs take turns to change the vectors."""

WIDEST = 2000
"""Numbers of a vector that pgvector's indexes take."""

ASKED = 50
"""Queries that measure recall: each is compared with all vectors once."""

Float32 = NDArray[np.float32]


@dataclass(frozen=True)
class Table:
    """An open table; a value, as `tamis.personal.retrieval.store.Store` is.

    Attributes:
        url: of the database.
        encoder: that made the vectors.
        weights: their SHA-256.
        dimension: numbers of a vector.
        walked: search by the index, and so miss some of the nearest.
        recall: the share of the exact ten nearest that the index finds; 1 for who compares all.
    """

    url: str
    encoder: str
    weights: str
    dimension: int
    walked: bool = False
    recall: float = 1.0

    def count(self) -> int:
        """How many vectors there are."""
        with _connected(self.url) as connection:
            return int(connection.execute(f"SELECT count(*) FROM {SCHEMA}.vectors").fetchone()[0])

    def digests(self) -> Mapping[str, str]:
        """The SHA-256 of each image's file, by name."""
        with _connected(self.url) as connection:
            return dict(connection.execute(f"SELECT name, sha256 FROM {SCHEMA}.vectors").fetchall())

    def add(self, vectors: NDArray[np.floating], rows: Rows) -> "Table":
        """With N more vectors (N, D), all of them or none.

        Raises:
            InputError: a name is there already or given twice, or the vectors are of another length.
        """
        import psycopg

        if vectors.ndim != 2 or vectors.shape != (len(rows.names), self.dimension):
            raise InputError(f"{shown(self.url)}: takes (N, {self.dimension}) for N names, not {vectors.shape}")
        dates = rows.dates or ("",) * len(rows.names)
        columns = f"{SCHEMA}.vectors (name, sha256, date, vector)"
        try:
            with (
                _connected(self.url) as connection,
                connection.cursor() as cursor,
                cursor.copy(f"COPY {columns} FROM STDIN WITH (FORMAT BINARY)") as copy,
            ):
                copy.set_types(["text", "text", "text", "vector"])
                for name, digest, date, vector in zip(
                    rows.names, rows.sha256, dates, np.asarray(vectors, np.float32), strict=True
                ):
                    copy.write_row((name, digest, date, vector))
        except psycopg.errors.UniqueViolation:
            raise InputError(
                f"{shown(self.url)}: a name is there twice; names must differ, so delete it first or rename it"
            ) from None
        return replace(self)

    def delete(self, names: Sequence[str]) -> "Table":
        """Without some.

        Raises:
            InputError: a name is not there.
        """
        with _connected(self.url) as connection:
            found = connection.execute(
                f"DELETE FROM {SCHEMA}.vectors WHERE name = ANY(%s) RETURNING name", [list(names)]
            ).fetchall()
            missing = set(names) - {name for (name,) in found}
            if missing:
                connection.rollback()
                raise InputError(f"{shown(self.url)}: has no {min(missing)}; see what it has with tamis retrieve list")
        return replace(self)

    def search(self, queries: NDArray[np.floating], k: int, wanted: Filter | None = None) -> Nearest:
        """The k vectors of largest inner product with each query (Q, D); of equals the first.

        Where the index finds fewer than k that a filter lets through, all are compared.

        Raises:
            InputError: queries are of another length.
        """
        if queries.ndim != 2 or queries.shape[1] != self.dimension:
            raise InputError(f"{shown(self.url)}: queries must be (Q, {self.dimension}), not {queries.shape}")
        condition, values = _condition(wanted)
        near = f"SELECT id, name, vector <#> %s AS far FROM {SCHEMA}.vectors WHERE {condition} ORDER BY far"
        exactly = f"SELECT id, name, -far FROM ({near}, id LIMIT %s) AS near ORDER BY far, id"
        statement = f"SELECT id, name, -far FROM ({near} LIMIT %s) AS near ORDER BY far, id" if self.walked else exactly
        found = Nearest.empty(len(queries), k)
        names: list[tuple[str, ...]] = []
        with _connected(self.url) as connection:
            _search_by(connection, self.walked, k)
            for number, query in enumerate(np.asarray(queries, np.float32)):
                hits = connection.execute(statement, [query, *values, k]).fetchall()
                if self.walked and len(hits) < k:
                    _search_by(connection, False, k)
                    hits = connection.execute(exactly, [query, *values, k]).fetchall()
                    _search_by(connection, True, k)
                for place, (row, _, score) in enumerate(hits):
                    found.rows[number, place], found.scores[number, place] = row, score
                names.append(tuple(name for _, name, _ in hits))
        return replace(found, names=tuple(names))


def open_table(url: str, encoder: str | None = None) -> Table:
    """The vectors of a database.

    Raises:
        InputError: it has none, it is out of reach, or they were made by another encoder.
        UnavailableError: the driver is not installed.
    """
    if not there_is_a_table(url):
        raise InputError(f"{shown(url)}: holds no vectors; make them with tamis retrieve precompute")
    with _connected(url) as connection:
        said = connection.execute(f"SELECT encoder, weights, dimension FROM {SCHEMA}.store").fetchone()
    table = Table(url, *said)
    if encoder is not None and table.encoder != encoder:
        raise InputError(
            f"{shown(url)}: its vectors are of the encoder {table.encoder}, not {encoder}; compute queries with "
            f"--encoder {table.encoder}, or the vectors with --encoder {encoder} in another database"
        )
    return table


def create_table(url: str, encoder: str, weights: str, dimension: int) -> Table:
    """A database's table of vectors, still empty.

    Raises:
        InputError: there is one, or the database is out of reach.
        UnavailableError: the driver, or on the server the extension, is not installed.
    """
    import psycopg

    if there_is_a_table(url):
        raise InputError(f"{shown(url)}: holds vectors already; open them, or choose another database")
    with _connected(url, vectors=False) as connection:
        try:
            connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
        except (psycopg.errors.FeatureNotSupported, psycopg.errors.UndefinedFile, psycopg.errors.InsufficientPrivilege):
            raise UnavailableError(
                f"{shown(url)}: the server has no pgvector, or this user may not enable it; install it there and run "
                "CREATE EXTENSION vector"
            ) from None
        connection.execute(f"CREATE SCHEMA {SCHEMA}")
        connection.execute(
            f"CREATE TABLE {SCHEMA}.store (encoder text, weights text, dimension int, recall double precision)"
        )
        connection.execute(
            f"CREATE TABLE {SCHEMA}.vectors (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL "
            f"UNIQUE, sha256 text NOT NULL, date text NOT NULL, vector vector({int(dimension)}) NOT NULL)"
        )
        # Inline: a vector that lies elsewhere is another look at the disk for each comparison.
        connection.execute(f"ALTER TABLE {SCHEMA}.vectors ALTER COLUMN vector SET STORAGE PLAIN")
        connection.execute(
            f"INSERT INTO {SCHEMA}.store (encoder, weights, dimension) VALUES (%s, %s, %s)",
            [encoder, weights, dimension],
        )
    return Table(url, encoder, weights, dimension)


def there_is_a_table(url: str) -> bool:
    """Whether a database holds vectors."""
    with _connected(url, vectors=False) as connection:
        return connection.execute("SELECT to_regclass(%s)", [f"{SCHEMA}.vectors"]).fetchone()[0] is not None


@contextmanager
def table_locked(url: str) -> Iterator[None]:
    """The right to change the vectors of a database.

    Raises:
        OutputError: another program has it.
    """
    with _connected(url, vectors=False) as connection:
        if not connection.execute("SELECT pg_try_advisory_lock(%s)", [LOCK]).fetchone()[0]:
            raise OutputError(f"{shown(url)}: another program is changing it; wait until that has finished")
        yield


def indexed(table: Table, seed: int = 0) -> Table:
    """The same searched by an index, built if it is not there; and its recall, measured then on some of the vectors.

    Raises:
        InputError: the vectors are too long for an index.
    """
    if table.dimension > WIDEST:
        raise InputError(
            f"{shown(table.url)}: an index takes vectors of at most {WIDEST} numbers, not {table.dimension}; search "
            "without --approximate"
        )
    with _connected(table.url) as connection:
        known = connection.execute(f"SELECT recall FROM {SCHEMA}.store").fetchone()[0]
        if known is not None:
            return replace(table, walked=True, recall=known)
        connection.execute("SET maintenance_work_mem = '1GB'")  # the graph has to fit, or building takes far longer
        connection.execute(
            f"CREATE INDEX IF NOT EXISTS neighbours ON {SCHEMA}.vectors USING hnsw (vector vector_ip_ops)"
        )
        rows = connection.execute(f"SELECT id FROM {SCHEMA}.vectors").fetchall()
        chosen = np.random.default_rng(seed).permutation(len(rows))[:ASKED].tolist()
        asked = connection.execute(
            f"SELECT vector::real[] FROM {SCHEMA}.vectors WHERE id = ANY(%s)", [[rows[row][0] for row in chosen]]
        ).fetchall()
    walked = replace(table, walked=True)
    queries = np.array(asked, np.float32).reshape(-1, table.dimension)
    exact, near = table.search(queries, 10), walked.search(queries, 10)
    shared = [len(set(one) & set(two)) / len(one) for one, two in zip(exact.names, near.names, strict=True)]
    recall = float(np.mean(shared)) if shared else 1.0
    with _connected(table.url) as connection:
        connection.execute(f"UPDATE {SCHEMA}.store SET recall = %s", [recall])
    return replace(walked, recall=recall)


def _search_by(connection: Any, walked: bool, k: int) -> None:
    """For the rest of the transaction: by the index, which looks at four times as many as are wanted, or exactly."""
    for setting, value in (
        ("enable_indexscan", "on" if walked else "off"),
        ("enable_seqscan", "off" if walked else "on"),
        ("enable_sort", "off" if walked else "on"),  # or rows would be sorted that the index gives in order
        ("hnsw.ef_search", str(min(1000, max(40, 4 * k)))),
    ):
        connection.execute("SELECT set_config(%s, %s, true)", [setting, value])


def _condition(wanted: Filter | None) -> tuple[str, list[str]]:
    """A filter as SQL, and its values."""
    if wanted is None:
        return "true", []
    parts, values = ["true"], []
    if wanted.name is not None:
        parts.append("name ~ %s")
        values.append(_pattern(wanted.name))
    if wanted.folder is not None:
        parts.append("starts_with(name, %s)")
        values.append(wanted.folder.rstrip("/") + "/")
    for bound, sign in ((wanted.since, ">="), (wanted.until, "<")):
        if bound is not None:
            parts.append(f"date <> '' AND date COLLATE \"C\" {sign} %s")
            values.append(bound)
    return " AND ".join(parts), values


def _pattern(name: str) -> str:
    """A pattern of `fnmatch` as a regular expression of PostgreSQL."""
    return "^(?:" + fnmatch.translate(name).removeprefix("(?s:").removesuffix(r")\Z").removesuffix(r")\z") + ")$"


@contextmanager
def _connected(url: str, vectors: bool = True) -> Iterator[Any]:
    """A connection within a transaction; with numpy arrays as vectors."""
    try:
        import psycopg
        from pgvector.psycopg import register_vector
    except ModuleNotFoundError:
        raise UnavailableError(
            "vectors in PostgreSQL need its driver: run pip install 'tamis[postgres,retrieval]'"
        ) from None
    try:
        opened = psycopg.connect(url, connect_timeout=10)
    except psycopg.OperationalError as error:
        said = " ".join(str(error).split())[:200]
        raise InputError(f"{shown(url)}: the database does not answer ({said})") from None
    with opened as connection:
        if vectors:
            register_vector(connection)
        yield connection
