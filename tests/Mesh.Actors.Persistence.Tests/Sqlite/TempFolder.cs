using Microsoft.Data.Sqlite;

namespace Mesh.Actors.Persistence.Tests.Sqlite;

/// <summary>A folder for one test's journal, deleted with all that is in it.</summary>
internal sealed class TempFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("mesh-journal-").FullName;

    public string Journal => System.IO.Path.Combine(Path, "journal.db");

    /// <summary>Changes the file as somebody outside the journal would.</summary>
    /// <returns>How many rows changed.</returns>
    public int Edit(string sql)
    {
        using SqliteConnection connection = Connect();
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = sql;
        return command.ExecuteNonQuery();
    }

    public SqliteConnection Connect(string? file = null)
    {
        var connection = new SqliteConnection($"Data Source={file ?? Journal};Pooling=False");
        connection.Open();
        return connection;
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
