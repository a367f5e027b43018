using System.Net;
using Mesh.Actors;
using Mesh.Registry.Geography;

namespace Mesh.Registry.Http.Geography;

/// <summary>A country database in a file, which may be replaced while the registry runs: programs fetch a new one every week.</summary>
/// <remarks>
/// Looked at every minute. A file with another time, earlier or later, or another length is read whole; when it is good, it takes the place of the present one at once,
/// for every thread. When it is not, perhaps because it is half written, the present one stays and the log says why, once for each such file.
/// </remarks>
public sealed class CountryFile : ICountries, IDisposable
{
    /// <summary>Octets that a file may have at most: 256 MiB, twice the largest that is sold.</summary>
    public const long MaxLength = 256L * 1024 * 1024;

    /// <summary>How often the file is looked at.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);

    private readonly string _path;
    private readonly long _maxLength;
    private readonly Action<LogLevel, string> _log;
    private readonly Lock _refreshing = new();
    private readonly ITimer? _timer;
    private volatile CountryDatabase _database;
    private Stamp _seen;

    private CountryFile(string path, long maxLength, Action<LogLevel, string> log, TimeProvider clock)
    {
        (_path, _maxLength, _log) = (Path.GetFullPath(path), maxLength, log);
        if (!TryRead(out CountryDatabase? database, out _seen, out string? problem))
            throw new CountryFileException($"{_path} is not a country database: {problem}");
        _database = database;
        _timer = clock.CreateTimer(static state => ((CountryFile)state!).Refresh(), this, Interval, Interval);
    }

    /// <summary>What is looked up in at present.</summary>
    public CountryDatabase Database => _database;

    /// <summary>How often a newer file took the place of the present one.</summary>
    public long ReplacedCount { get; private set; }

    /// <summary>How often a newer file was bad.</summary>
    public long RefusedCount { get; private set; }

    /// <summary>Reads a file and begins to look for newer ones.</summary>
    /// <param name="path">The file.</param>
    /// <param name="log">Told about newer files; called from a thread of the pool.</param>
    /// <param name="clock">For the interval.</param>
    /// <param name="maxLength">Octets that are read at most.</param>
    /// <exception cref="CountryFileException">The first file has to be good.</exception>
    public static CountryFile Open(string path, Action<LogLevel, string> log, TimeProvider? clock = null, long maxLength = MaxLength)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(log);
        return new CountryFile(path, maxLength, log, clock ?? TimeProvider.System);
    }

    /// <inheritdoc/>
    public Country? Find(IPAddress address) => _database.Find(address);

    /// <summary>Looks for a newer file now.</summary>
    public void Refresh()
    {
        lock (_refreshing)
        {
            Stamp now = StampOf(_path);
            if (now == _seen)
                return;
            bool isGood = TryRead(out CountryDatabase? database, out Stamp read, out string? problem);
            _seen = read;
            if (isGood)
            {
                _database = database!;
                ReplacedCount++;
                _log(LogLevel.Info, $"{_path} was replaced: {database!.Type} of {database.BuiltAt:yyyy-MM-dd}");
            }
            else
            {
                RefusedCount++;
                _log(LogLevel.Warning, $"{_path} was replaced and is not a country database: {problem}; the one of {_database.BuiltAt:yyyy-MM-dd} is kept");
            }
        }
    }

    /// <summary>Looks for newer files no more.</summary>
    public void Dispose() => _timer?.Dispose();

    private bool TryRead([System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out CountryDatabase? database, out Stamp stamp, [System.Diagnostics.CodeAnalysis.NotNullWhen(false)] out string? problem)
    {
        database = null;
        stamp = StampOf(_path);
        try
        {
            using var file = new FileStream(_path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            if (file.Length > _maxLength)
            {
                problem = $"it has {file.Length} octets, and {_maxLength} are read at most";
                return false;
            }

            byte[] octets = new byte[file.Length];
            file.ReadExactly(octets);
            return CountryDatabase.TryOpen(octets, out database, out problem);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            problem = e.Message;
            return false;
        }
    }

    private static Stamp StampOf(string path)
    {
        var file = new FileInfo(path);
        return file.Exists ? new Stamp(file.LastWriteTimeUtc, file.Length) : default;
    }

    private readonly record struct Stamp(DateTime Written, long Length);
}
