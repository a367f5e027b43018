using Mesh.Actors.Persistence.Postgres;
using Mesh.Actors.Persistence.Tests.Storage;

namespace Mesh.Actors.Persistence.Tests.Postgres;

public sealed class PostgresOptionsTests
{
    private const string Secret = "correct-horse";

    [Theory]
    [InlineData("Host=h;Password=correct-horse;Bogus=1")]
    [InlineData("Host=h;Password=x;correct-horse=y")]
    [InlineData("Host=h;Port=correct-horse")]
    [InlineData("correct-horse")]
    [InlineData("Host=h;Password=\"correct-horse")]
    public void An_unreadable_connection_string_is_a_problem_that_does_not_show_it(string text)
    {
        var options = new PostgresOptions { ConnectionString = text };
        string problem = Assert.Single(options.Validate());
        Assert.StartsWith("the connection string cannot be read", problem, StringComparison.Ordinal);
        Assert.DoesNotContain(Secret, problem + options, StringComparison.Ordinal);
        var e = Assert.Throws<ArgumentException>(() => PostgresJournal.Open(options, epoch: 0));
        Assert.DoesNotContain(Secret, e.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void All_problems_are_listed_at_once()
    {
        var options = new PostgresOptions
        {
            ConnectionString = "Database=x",
            Schema = "a\"; DROP TABLE event",
            ReconnectTimeout = TimeSpan.FromHours(1),
            StatementTimeout = TimeSpan.Zero,
            MaxBatchEvents = 0,
            MaxBatchBytes = 0,
            LoadBatchLength = 0,
        };
        Assert.Equal(7, options.Validate().Count());
        Assert.Contains("; the schema is ", Assert.Throws<ArgumentException>(() => PostgresJournal.Open(options, epoch: 0)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("mesh", true)]
    [InlineData("_m2", true)]
    [InlineData("user", true)]
    [InlineData("", false)]
    [InlineData("2m", false)]
    [InlineData("Mesh", false)]
    [InlineData("pg_mesh", false)]
    [InlineData("mesh\n", false)]
    public void A_schema_has_a_plain_name(string schema, bool isAllowed) =>
        Assert.Equal(isAllowed, !new PostgresOptions { ConnectionString = "Host=h", Schema = schema }.Validate().Any());

    [Fact]
    public void The_place_is_shown_and_the_password_is_not()
    {
        var options = new PostgresOptions { ConnectionString = $"Host=fd00::1;Port=5433;Database=mesh;Username=u;Password={Secret}" };
        Assert.Equal("PostgresOptions { postgresql://[fd00::1]:5433/mesh#mesh }", options.ToString());
    }

    [Theory]
    [InlineData("Password=correct-horse", "the server does not accept this user or password")]
    [InlineData("Database=correct-house;Password=" + PostgresServer.Password, "database \"correct-house\" does not exist (PostgreSQL code 3D000)")]
    [InlineData("Port=1;Password=correct-horse", "the server cannot be reached: Connection refused")]
    public void What_is_wrong_is_said_without_the_password(string with, string expected)
    {
        var store = new PostgresOptions { ConnectionString = PostgresServer.Shared.ConnectionString + ";" + with };
        var e = Assert.Throws<JournalException>(() => PostgresJournal.Open(store, epoch: 0));
        Assert.Equal(JournalFailure.Unavailable, e.Failure);
        Assert.EndsWith(expected, e.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(Secret, e.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain(PostgresServer.Password, e.ToString(), StringComparison.Ordinal);
    }
}

public sealed class PostgresLayoutTests : IDisposable
{
    private readonly PostgresStore _store = new();
    private readonly Collector _replies = new();

    [Fact]
    public void A_server_that_confirms_what_is_not_on_its_disk_is_refused()
    {
        string role = _store.Schema + "_careless";
        _store.Edit($"CREATE ROLE {role} LOGIN SUPERUSER PASSWORD '{PostgresServer.Password}'; ALTER ROLE {role} SET synchronous_commit = off");
        try
        {
            var e = Assert.Throws<JournalException>(() => PostgresJournal.Open(_store.Options with { ConnectionString = $"{PostgresServer.Shared.ConnectionString};Username={role}" }, epoch: 0));
            Assert.Contains("synchronous_commit is off", e.Message, StringComparison.Ordinal);
        }
        finally
        {
            _store.Edit($"DROP ROLE {role}");
        }
    }

    [Fact]
    public void A_role_without_further_rights_uses_a_schema_that_was_made_for_it()
    {
        string role = _store.Schema + "_plain";
        _store.Edit($"CREATE ROLE {role} LOGIN PASSWORD '{PostgresServer.Password}'; CREATE SCHEMA {_store.Schema} AUTHORIZATION {role}");
        try
        {
            PostgresOptions options = _store.Options with { ConnectionString = $"{PostgresServer.Shared.ConnectionString};Username={role}" };
            using (PostgresJournal journal = PostgresJournal.Open(options, epoch: 0))
                _replies.AppendAndWait(journal, "a", 1);
            using PostgresJournal reopened = PostgresJournal.Open(options, epoch: 0);
            Assert.Single(_replies.Load(reopened, "a").Events);
        }
        finally
        {
            _store.Edit($"DROP SCHEMA {_store.Schema} CASCADE; DROP ROLE {role}");
        }
    }

    [Fact]
    public void Tables_of_a_newer_program_are_left_alone()
    {
        _store.Open().Dispose();
        _store.Edit("UPDATE layout SET version = 2");
        Assert.Contains("have layout 2, and this program knows layout 1", Assert.Throws<JournalException>(() => _store.Open()).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("CREATE TABLE something(x integer)", "holds something else than a journal")]
    [InlineData("CREATE TABLE layout AS SELECT 'else' AS application, 1 AS version", "holds the tables of another application")]
    public void Tables_of_others_are_left_alone(string tables, string expected)
    {
        _store.Edit($"CREATE SCHEMA {_store.Schema}");
        _store.Edit(tables);
        Assert.Contains(expected, Assert.Throws<JournalException>(() => _store.Open()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Of_many_that_start_together_one_makes_the_tables()
    {
        Parallel.For(0, 8, new ParallelOptions { MaxDegreeOfParallelism = 8 }, _ => new PostgresDatabase(_store.Options).Prepare());
        Assert.Equal(1, _store.Count("SELECT count(*) FROM leadership"));
    }

    public void Dispose()
    {
        _store.Dispose();
        _replies.Dispose();
    }
}
