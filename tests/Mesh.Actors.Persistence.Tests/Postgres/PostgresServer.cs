using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Npgsql;

namespace Mesh.Actors.Persistence.Tests.Postgres;

/// <summary>A PostgreSQL server of one test process, on a loopback port, in a directory that goes away with it.</summary>
/// <remarks>
/// <para>A shell is its parent. It waits for the end of its input, which comes when the test process closes it or dies in whatever way; then it stops the server and removes
/// the directory. (A parent-death signal would not do: it is bound to the thread that started the process, and the runtime ends threads as it likes.)</para>
/// <para>Tests share the server and have a schema each. Linked into other test projects.</para>
/// </remarks>
public sealed class PostgresServer : IDisposable
{
    /// <summary>Must show up in no message.</summary>
    public const string Password = "mesh-tests-own-secret";

    private const string User = "postgres";

    // The server has its own group of processes, so that Ctrl-C reaches the tests first. Immediate shutdown: nothing of it is needed any more.
    private const string Watchdog = """
        trap '' INT HUP TERM
        program=$1 data=$2 folder=$3; shift 3
        "$program" "$@" -D "$data" </dev/null >>"$folder/log" 2>&1 &
        read -r _
        kill -QUIT $!
        wait $!
        rm -rf "$folder"
        """;

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);
    private static readonly Lock Gate = new();
    private static PostgresServer? _shared;
    private static int _schemas;

    private readonly Process _watchdog;
    private readonly string _folder;

    private PostgresServer(Process watchdog, string folder, int port) => (_watchdog, _folder, Port) = (watchdog, folder, port);

    public int Port { get; }

    /// <summary>As Npgsql takes it, with the password.</summary>
    public string ConnectionString => ConnectionTo(Port);

    /// <summary>Where there is no PostgreSQL the calling test is skipped, unless MESH_TESTS_NO_SKIP=1.</summary>
    public static PostgresServer Shared
    {
        get
        {
            string? programs = FindPrograms();
            if (programs is null)
            {
                const string Reason = "needs a PostgreSQL server (Debian's package postgresql)";
                if (string.Equals(Environment.GetEnvironmentVariable("MESH_TESTS_NO_SKIP"), "1", StringComparison.Ordinal))
                    Assert.Fail($"This test {Reason}, and MESH_TESTS_NO_SKIP=1 does not let it be skipped.");
                Assert.Skip(Reason);
            }

            lock (Gate)
            {
                if (_shared is null)
                {
                    _shared = Start(programs);
                    AppDomain.CurrentDomain.ProcessExit += static (_, _) => _shared?.Dispose();
                }

                return _shared;
            }
        }
    }

    /// <summary>The same server through another port, such as a proxy's.</summary>
    public static string ConnectionTo(int port) => string.Create(CultureInfo.InvariantCulture, $"Host=127.0.0.1;Port={port};Database=postgres;Username={User};Password={Password}");

    /// <summary>A name for a schema that is not there yet.</summary>
    public static string NewSchema() => string.Create(CultureInfo.InvariantCulture, $"test_{Environment.ProcessId}_{Interlocked.Increment(ref _schemas)}");

    /// <summary>A connection as somebody outside the journal has it.</summary>
    public NpgsqlConnection Connect(string schema)
    {
        var connection = new NpgsqlConnection($"{ConnectionString};Search Path={schema};Pooling=false");
        connection.Open();
        return connection;
    }

    /// <returns>How many rows changed.</returns>
    public int Execute(string schema, string sql)
    {
        using NpgsqlConnection connection = Connect(schema);
        using var command = new NpgsqlCommand(sql, connection);
        return command.ExecuteNonQuery();
    }

    public T Scalar<T>(string schema, string sql)
    {
        using NpgsqlConnection connection = Connect(schema);
        using var command = new NpgsqlCommand(sql, connection);
        return (T)command.ExecuteScalar()!;
    }

    /// <summary>Starts a server for one test, which stops it.</summary>
    public static PostgresServer StartOwn()
    {
        _ = Shared;   // skips where there is none
        return Start(FindPrograms()!);
    }

    public void Dispose()
    {
        if (_watchdog.HasExited)
            return;
        _watchdog.StandardInput.Close();
        if (!_watchdog.WaitForExit(Limit))
            throw new TimeoutException($"the server in {_folder} does not stop");
        _watchdog.Dispose();
    }

    private static PostgresServer Start(string programs)
    {
        string folder = Directory.CreateTempSubdirectory("mesh-postgres-").FullName;
        try
        {
            string data = Path.Combine(folder, "data");
            string passwords = Path.Combine(folder, "password");
            File.WriteAllText(passwords, Password + "\n");
            if (Environment.IsPrivilegedProcess)
                Run("chown", "-R", $"{User}:{User}", folder);
            string[] init = [Path.Combine(programs, "initdb"), "-D", data, "-U", User, "-A", "scram-sha-256", $"--pwfile={passwords}", "-E", "UTF8", "--locale=C", "--no-sync"];
            string[] asUser = Environment.IsPrivilegedProcess ? ["setpriv", $"--reuid={User}", $"--regid={User}", "--init-groups", "--"] : [];
            Run([.. asUser, .. init]);
            int port = FreePort();
            string[] server =
            [
                .. asUser, Path.Combine(programs, "postgres"), "-c", "listen_addresses=127.0.0.1", "-c", string.Create(CultureInfo.InvariantCulture, $"port={port}"),
                "-c", "unix_socket_directories=", "-c", "shared_buffers=32MB", "-c", "max_connections=200", "-c", "max_prepared_transactions=0",
            ];
            var start = new ProcessStartInfo("setsid", ["sh", "-c", Watchdog, "postgres-watchdog", server[0], data, folder, .. server[1..]]) { RedirectStandardInput = true, UseShellExecute = false, WorkingDirectory = folder };
            Process watchdog = Process.Start(start)!;
            var started = new PostgresServer(watchdog, folder, port);
            try
            {
                started.WaitUntilReady();
                return started;
            }
            catch
            {
                started.Dispose();
                throw;
            }
        }
        catch
        {
            if (Directory.Exists(folder))
                Directory.Delete(folder, recursive: true);
            throw;
        }
    }

    private void WaitUntilReady()
    {
        long start = Stopwatch.GetTimestamp();
        while (true)
        {
            try
            {
                using NpgsqlConnection connection = Connect("public");
                return;
            }
            catch (NpgsqlException e)
            {
                if (_watchdog.HasExited || Stopwatch.GetElapsedTime(start) > Limit)
                    throw new InvalidOperationException($"the server does not start: {e.Message}; its log: {File.ReadAllText(Path.Combine(_folder, "log"))}", e);
                Thread.Sleep(50);   // for another process: nothing tells when it listens
            }
        }
    }

    private static string? FindPrograms()
    {
        string[] versions = Directory.Exists("/usr/lib/postgresql") ? Directory.GetDirectories("/usr/lib/postgresql") : [];
        string[] folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries);
        return versions.Select(static version => Path.Combine(version, "bin")).OrderByDescending(static path => path.Length).ThenByDescending(static path => path, StringComparer.Ordinal)
            .Concat(folders).FirstOrDefault(static folder => File.Exists(Path.Combine(folder, "initdb")) && File.Exists(Path.Combine(folder, "postgres")));
    }

    private static void Run(params string[] command)
    {
        var start = new ProcessStartInfo(command[0], command[1..]) { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false, WorkingDirectory = "/" };
        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        string errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"{command[0]} ended with {process.ExitCode}: {errors}{output.Result}");
    }

    private static int FreePort()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }
}
