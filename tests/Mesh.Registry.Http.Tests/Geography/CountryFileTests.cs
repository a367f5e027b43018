using System.Net;
using Mesh.Actors;
using Mesh.Registry.Geography;
using Mesh.Registry.Http.Geography;

namespace Mesh.Registry.Http.Tests.Geography;

public sealed class CountryFileTests : IDisposable
{
    private static readonly IPAddress Address = IPAddress.Parse("192.0.2.1");

    private readonly string _folder = Directory.CreateTempSubdirectory("mesh-countries-").FullName;
    private readonly List<(LogLevel Level, string Text)> _log = [];
    private readonly PlayedTimer _clock = new();

    private string FilePath => Path.Combine(_folder, "countries.mmdb");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_newer_file_takes_the_place_of_the_present_one_within_a_minute()
    {
        Write(Database("FR"));
        using CountryFile file = Open();
        Assert.Equal(TimeSpan.FromMinutes(1), _clock.Period);
        Assert.Equal("FR", file.Find(Address)?.Code);
        _clock.Fire();
        Assert.Empty(_log);
        Write(Database("DE"));
        Assert.Equal("FR", file.Find(Address)?.Code);
        _clock.Fire();
        Assert.Equal("DE", file.Find(Address)?.Code);
        Assert.Equal(1, file.ReplacedCount);
        Assert.Equal(LogLevel.Info, Assert.Single(_log).Level);
    }

    [Fact]
    public void An_older_file_that_is_moved_into_place_counts_too()
    {
        Write(Database("FR"));
        DateTime time = File.GetLastWriteTimeUtc(FilePath);
        using CountryFile file = Open();
        string other = Path.Combine(_folder, "other");
        File.WriteAllBytes(other, Database("DE"));
        File.SetLastWriteTimeUtc(other, time.AddDays(-7));
        File.Move(other, FilePath, overwrite: true);
        _clock.Fire();
        Assert.Equal("DE", file.Find(Address)?.Code);
    }

    [Fact]
    public void A_bad_file_changes_nothing_and_is_named_once()
    {
        Write(Database("FR"));
        using CountryFile file = Open();
        byte[] newer = Database("DE");
        Write(newer[..^40]);
        _clock.Fire();
        _clock.Fire();
        Assert.Equal("FR", file.Find(Address)?.Code);
        Assert.Contains("metadata", Assert.Single(_log).Text, StringComparison.Ordinal);
        File.Delete(FilePath);
        _clock.Fire();
        _clock.Fire();
        Assert.Equal("FR", file.Find(Address)?.Code);
        Assert.Equal([LogLevel.Warning, LogLevel.Warning], _log.Select(static l => l.Level));
        Assert.Equal(2, file.RefusedCount);
        Write(newer);   // the rest has come
        _clock.Fire();
        Assert.Equal("DE", file.Find(Address)?.Code);
    }

    [Fact]
    public void The_first_file_has_to_be_good()
    {
        Assert.Contains("countries.mmdb", Assert.Throws<CountryFileException>(() => Open()).Message, StringComparison.Ordinal);
        Write([1, 2, 3]);
        Assert.Contains("metadata is missing", Assert.Throws<CountryFileException>(() => Open()).Message, StringComparison.Ordinal);
        Write(Database("FR"));
        Assert.Contains("100 are read at most", Assert.Throws<CountryFileException>(() => CountryFile.Open(FilePath, Log, _clock, maxLength: 100)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Lookups_go_on_while_the_file_is_replaced()
    {
        Write(Database("FR"));
        using CountryFile file = Open();
        int wrong = 0;
        bool isOver = false;
        var reader = new Thread(() =>
        {
            while (!Volatile.Read(ref isOver))
                wrong += file.Find(Address)?.Code is "FR" or "DE" ? 0 : 1;
        });
        reader.Start();
        for (int round = 0; round < 50; round++)
        {
            Write(Database(round % 2 == 0 ? "DE" : "FR"));
            file.Refresh();
        }

        Volatile.Write(ref isOver, true);
        reader.Join();
        Assert.Equal(0, wrong);
        Assert.Equal(50, file.ReplacedCount);
    }

    // 192.0.0.0/2 is in the country; one node for each of the two bits.
    private static byte[] Database(string country) =>
    [
        0, 0, 2, 0, 0, 1,
        0, 0, 2, 0, 0, 18,
        .. new byte[16],
        0xe1, 0x47, .. "country"u8, 0xe1, 0x48, .. "iso_code"u8, 0x42, (byte)country[0], (byte)country[1],
        0xab, 0xcd, 0xef, .. "MaxMind.com"u8,
        0xe4, 0x4a, .. "node_count"u8, 0xc1, 2, 0x4b, .. "record_size"u8, 0xa1, 24, 0x4a, .. "ip_version"u8, 0xa1, 4, 0x5b, .. "binary_format_major_version"u8, 0xa1, 2,
    ];

    // Every file is of another second, as in real life, so that no test depends on how fine the file system's clock is.
    private void Write(byte[] octets)
    {
        DateTime last = File.Exists(FilePath) ? File.GetLastWriteTimeUtc(FilePath) : DateTime.UnixEpoch;
        File.WriteAllBytes(FilePath, octets);
        File.SetLastWriteTimeUtc(FilePath, last.AddSeconds(1));
    }

    private CountryFile Open() => CountryFile.Open(FilePath, Log, _clock);

    private void Log(LogLevel level, string text) => _log.Add((level, text));

    private sealed class PlayedTimer : TimeProvider, ITimer
    {
        private TimerCallback? _callback;
        private object? _state;

        public TimeSpan Period { get; private set; }

        public void Fire() => _callback!(_state);

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            (_callback, _state, Period) = (callback, state, period);
            return this;
        }

        public bool Change(TimeSpan dueTime, TimeSpan period) => false;

        public void Dispose() => _callback = null;

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
