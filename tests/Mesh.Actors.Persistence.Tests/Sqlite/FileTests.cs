using System.Diagnostics;
using Mesh.Actors.Persistence.Sqlite;
using Mesh.Actors.Persistence.Tests.Storage;
using Microsoft.Data.Sqlite;

namespace Mesh.Actors.Persistence.Tests.Sqlite;

public sealed class FileTests : IDisposable
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly TempFolder _folder = new();
    private readonly Collector _replies = new();

    [Fact]
    public void All_files_are_for_their_owner_alone()
    {
        using SqliteJournal journal = SqliteJournal.Open(_folder.Journal);
        _replies.AppendAndWait(journal, "a", 1);
        AssertModes();
    }

    [Fact]
    public void A_journal_with_a_wider_mode_is_narrowed()
    {
        SqliteJournal.Open(_folder.Journal).Dispose();
        SetMode(_folder.Journal, OwnerOnly | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
        using SqliteJournal journal = SqliteJournal.Open(_folder.Journal);
        _replies.AppendAndWait(journal, "a", 1);
        AssertModes();
    }

    [Fact]
    public void A_missing_directory_is_named()
    {
        string path = Path.Combine(_folder.Path, "missing", "journal.db");
        Fails(JournalFailure.Unavailable, $"journal '{path}': there is no directory '{Path.GetDirectoryName(path)}'", path);
    }

    [Fact]
    public void A_directory_is_no_journal() =>
        Fails(JournalFailure.Unavailable, $"journal '{_folder.Path}': it is a directory, not a file", _folder.Path);

    [Fact]
    public void A_place_where_no_file_can_be_made_is_named()
    {
        var e = Assert.Throws<JournalException>(() => SqliteJournal.Open("/proc/journal.db"));
        Assert.Equal(JournalFailure.Unavailable, e.Failure);
        Assert.StartsWith("journal '/proc/journal.db': ", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("this is no database, and long enough to be looked at: ................................................................")]
    [InlineData("short")]
    public void A_file_that_is_no_database_is_left_alone(string text)
    {
        File.WriteAllText(_folder.Journal, text);
        Fails(JournalFailure.Unavailable, $"journal '{_folder.Journal}': the file is not an SQLite database");
        Assert.Equal(text, File.ReadAllText(_folder.Journal));
    }

    [Fact]
    public void A_database_of_another_application_is_left_alone()
    {
        _folder.Edit("CREATE TABLE recipes(name TEXT)");
        byte[] before = File.ReadAllBytes(_folder.Journal);
        SetMode(_folder.Journal, OwnerOnly | UnixFileMode.GroupRead);
        Fails(
            JournalFailure.Unavailable,
            $"journal '{_folder.Journal}': it is the database of another application (application id 0, a journal has 1296130890)");
        Assert.Equal(before, File.ReadAllBytes(_folder.Journal));
        Assert.NotEqual(OwnerOnly, ModeOf(_folder.Journal));
    }

    [Fact]
    public void A_journal_of_a_newer_program_is_not_opened()
    {
        SqliteJournal.Open(_folder.Journal).Dispose();
        _folder.Edit("PRAGMA user_version = 2");
        Fails(
            JournalFailure.Unavailable,
            $"journal '{_folder.Journal}': its layout has version 2, this program knows versions up to 1; was it written by a newer program?");
    }

    [Fact]
    public void An_empty_file_left_by_a_crash_becomes_a_journal()
    {
        File.WriteAllBytes(_folder.Journal, []);
        using SqliteJournal journal = SqliteJournal.Open(_folder.Journal);
        _replies.AppendAndWait(journal, "a", 1);
        AssertModes();
    }

    [Fact]
    public void A_second_journal_on_the_same_file_is_locked_out()
    {
        using (SqliteJournal journal = SqliteJournal.Open(_folder.Journal))
        {
            Fails(JournalFailure.Locked, $"journal '{_folder.Journal}': another process holds it (or this one, twice)");
            _replies.AppendAndWait(journal, "a", 1);
        }

        SqliteJournal.Open(_folder.Journal).Dispose();
    }

    [Fact]
    public void A_lock_of_another_process_counts_until_it_dies()
    {
        SqliteJournal.Open(_folder.Journal).Dispose();
        var start = new ProcessStartInfo("flock", [_folder.Journal + ".lock", "cat"]) { RedirectStandardInput = true, RedirectStandardOutput = true, UseShellExecute = false };
        using Process other = Process.Start(start)!;
        other.StandardInput.WriteLine("held");
        other.StandardInput.Flush();
        Assert.Equal("held", other.StandardOutput.ReadLine());   // comes from cat, which runs under the lock
        Fails(JournalFailure.Locked, $"journal '{_folder.Journal}': another process holds it (or this one, twice)");
        other.StandardInput.Close();
        other.WaitForExit();
        SqliteJournal.Open(_folder.Journal).Dispose();
    }

    [Fact]
    public void Options_out_of_range_are_all_listed()
    {
        var options = new SqliteJournalOptions { BusyTimeout = TimeSpan.FromSeconds(-1), MaxBatchBytes = 0, MaxBatchEvents = 0, LoadBatchLength = 0, CheckpointPages = 0 };
        var e = Assert.Throws<ArgumentException>(() => SqliteJournal.Open(_folder.Journal, options));
        foreach (string name in new[] { "BusyTimeout", "MaxBatchBytes", "MaxBatchEvents", "LoadBatchLength", "CheckpointPages" })
            Assert.Contains($"{name} is ", e.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(_folder.Path));
    }

    public void Dispose()
    {
        SqliteConnection.ClearAllPools();
        _folder.Dispose();
        _replies.Dispose();
    }

    private static UnixFileMode ModeOf(string file) => OperatingSystem.IsWindows() ? default : File.GetUnixFileMode(file);

    private static void SetMode(string file, UnixFileMode mode)
    {
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(file, mode);
    }

    private void AssertModes()
    {
        string[] files = Directory.GetFiles(_folder.Path);
        Assert.Equal(["journal.db", "journal.db-shm", "journal.db-wal", "journal.db.lock"], files.Select(f => Path.GetFileName(f)).Order(StringComparer.Ordinal), StringComparer.Ordinal);
        Assert.All(files, f => Assert.Equal(OwnerOnly, ModeOf(f)));
    }

    private void Fails(JournalFailure failure, string message, string? path = null)
    {
        var e = Assert.Throws<JournalException>(() => SqliteJournal.Open(path ?? _folder.Journal).Dispose());
        Assert.Equal((failure, message), (e.Failure, e.Message));
    }
}
