using System.Text.Json;
using Mesh.Security.Certificates;
using Microsoft.Data.Sqlite;

namespace Mesh.Registry.Http.Tests.Re6st;

/// <summary>A database with the tables of a re6st registry, filled with the identities of the test vectors; in a directory of its own, which goes away.</summary>
internal sealed class Re6stDatabaseFile : IDisposable
{
    public const string Reserved = "01000000000000000000000000000000000000000000000000000000000000000000000000000000";
    public const string LastConfig = """{"babel_default": "max-rtt-penalty 5000 rtt-max 500 rtt-decay 125", "crl": [6], "protocol": 10, "registry_prefix": "0000000000000000"}""";

    private static readonly JsonElement Identities = Load("identities.json"), Versions = Load("version.json");

    // To write it in many small transactions takes longer than to read it in many tests.
    private static readonly Lazy<byte[]> UsedOctets = new(static () =>
    {
        using Re6stDatabaseFile file = MakeUsed();
        return File.ReadAllBytes(file.Path);
    });

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("mesh-re6st-");

    private Re6stDatabaseFile() => Path = System.IO.Path.Combine(_directory.FullName, "registry.db");

    public static AuthorityCertificate Authority { get; } = ReadAuthority();

    public static string AuthorityPem => Identities.GetProperty("ca").GetProperty("cert").GetString()!;

    public static string AuthorityKeyPem => Identities.GetProperty("ca").GetProperty("key").GetString()!;

    public static string ForeignPem => Identities.GetProperty("foreign").GetProperty("cert").GetString()!;

    public string Path { get; }

    public string Folder => _directory.FullName;

    /// <summary>The tables, and in them what the registry makes when it starts for the first time.</summary>
    public static Re6stDatabaseFile Fresh()
    {
        var file = new Re6stDatabaseFile();
        file.Execute("""
            CREATE TABLE config (name TEXT PRIMARY KEY NOT NULL, value);
            CREATE TABLE token (token TEXT PRIMARY KEY NOT NULL, email TEXT NOT NULL, prefix_len INTEGER NOT NULL, date INTEGER NOT NULL);
            CREATE TABLE cert (prefix TEXT PRIMARY KEY NOT NULL, email TEXT, cert TEXT);
            CREATE TABLE crl (serial INTEGER PRIMARY KEY NOT NULL, date INTEGER NOT NULL);
            INSERT INTO cert VALUES ('', null, null);
            """);
        file.Execute("INSERT INTO config VALUES ('babel_hmac0', $key)", ("$key", Key(1)));
        return file;
    }

    /// <summary>Five nodes, two tokens and a revocation.</summary>
    public static Re6stDatabaseFile Used()
    {
        var file = new Re6stDatabaseFile();
        File.WriteAllBytes(file.Path, UsedOctets.Value);
        return file;
    }

    public static byte[] Key(byte first) => [.. Enumerable.Range(first, 16).Select(static octet => (byte)octet)];

    public static string PemOf(string node) => Identities.GetProperty("nodes").GetProperty(node).GetProperty("cert").GetString()!;

    public static byte[] VersionBlob(int number) => Convert.FromHexString(
        Versions.GetProperty("valid").EnumerateArray().First(version => version.GetProperty("number").GetInt32() == number).GetProperty("blob").GetString()!);

    public void Set(string name, object value) => Execute("INSERT OR REPLACE INTO config VALUES ($name, $value)", ("$name", name), ("$value", value));

    public void Execute(string sql, params (string Name, object Value)[] parameters)
    {
        using SqliteConnection connection = Connect();
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = sql;
        foreach ((string name, object value) in parameters)
            _ = command.Parameters.AddWithValue(name, value);
        _ = command.ExecuteNonQuery();
    }

    public SqliteConnection Connect()
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = Path, Pooling = false }.ConnectionString);
        connection.Open();
        using SqliteCommand pragma = connection.CreateCommand();
        pragma.CommandText = "PRAGMA synchronous = OFF";
        _ = pragma.ExecuteNonQuery();
        return connection;
    }

    public void Dispose() => _directory.Delete(recursive: true);

    private static Re6stDatabaseFile MakeUsed()
    {
        Re6stDatabaseFile file = Fresh();
        file.Execute("DELETE FROM cert");
        foreach (JsonProperty node in Identities.GetProperty("nodes").EnumerateObject())
        {
            file.Execute(
                "INSERT INTO cert VALUES ($prefix, $email, $pem)",
                ("$prefix", node.Value.GetProperty("prefix").GetString()!), ("$email", node.Name == "anonymous" ? DBNull.Value : $"{node.Name}@example.com"), ("$pem", PemOf(node.Name)));
        }

        file.Execute("INSERT INTO cert VALUES ('1000000000000001', null, null), ('001', null, null)");
        file.Execute("INSERT INTO cert VALUES ($reserved, null, 'reserved')", ("$reserved", Reserved));
        file.Execute("INSERT INTO token VALUES ('abcdefgh', 'x@example.com', 16, 1700000000), ('free text', '', 32, 1790000000)");
        file.Execute("INSERT INTO crl VALUES (6, 1800000000)");
        file.Set("prefix", "0000000000000000");
        file.Set("serial", 6L);
        file.Set("version", VersionBlob(1));
        file.Set("last_config", LastConfig);
        return file;
    }

    private static JsonElement Load(string name)
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(System.IO.Path.Combine(AppContext.BaseDirectory, "vectors", name)));
        return document.RootElement.Clone();
    }

    private static AuthorityCertificate ReadAuthority() =>
        AuthorityCertificate.TryParsePem(AuthorityPem, out AuthorityCertificate? authority) ? authority : throw new InvalidDataException("the vectors have no authority");
}
