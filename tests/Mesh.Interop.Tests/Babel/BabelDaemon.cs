using System.Diagnostics;
using System.Globalization;
using System.Text;
using Mesh.Babel;

namespace Mesh.Interop.Tests.Babel;

/// <summary>A route as another daemon shows it.</summary>
/// <param name="Prefix">Its prefix, as text.</param>
/// <param name="Metric">Its metric.</param>
/// <param name="Via">The next hop.</param>
/// <param name="IsInstalled">Whether it is in use.</param>
internal sealed record DaemonRoute(string Prefix, int Metric, string Via, bool IsInstalled);

/// <summary>What the interoperability tests want of another Babel daemon: babeld or bird.</summary>
internal abstract class BabelDaemon : IDisposable
{
    private readonly StringBuilder _said = new();
    private Process? _process;

    /// <summary>The daemon's name, for tests that run with each.</summary>
    public const string Babeld = "babeld", Bird = "bird";

    protected BabelDaemon(LabMachine machine)
    {
        Machine = machine;
        machine.Lab.Keep(this);
    }

    /// <summary>Where it runs.</summary>
    public LabMachine Machine { get; }

    /// <summary>Its output so far.</summary>
    public string Said
    {
        get
        {
            lock (_said)
                return _said.ToString();
        }
    }

    /// <summary>Starts one.</summary>
    /// <param name="kind">Which.</param>
    /// <param name="machine">Where.</param>
    /// <param name="options">How.</param>
    public static BabelDaemon Start(string kind, LabMachine machine, DaemonOptions options) => kind == Babeld ? new BabeldDaemon(machine, options) : new BirdDaemon(machine, options);

    /// <summary>The routes that it has learned.</summary>
    public abstract IReadOnlyList<DaemonRoute> Routes();

    /// <summary>What it says of its neighbours, one a line.</summary>
    public abstract IReadOnlyList<string> Neighbours();

    /// <summary>Whether it has a route in use.</summary>
    public bool Reaches(string prefix) => Routes().Any(route => route.Prefix == prefix && route.IsInstalled && route.Metric < ushort.MaxValue);

    /// <summary>Ends it as an operator would, so that it takes everything back.</summary>
    public void Stop() => Signal("-TERM");

    /// <summary>Ends it as a power failure would.</summary>
    public void Kill() => Signal("-KILL");

    /// <summary>What it knows and has said, for a message.</summary>
    public string Explain() => string.Join('\n', (IEnumerable<string>)[.. Neighbours(), .. Routes().Select(static route => route.ToString()), Said]);

    public void Dispose()
    {
        if (_process is { HasExited: false })
            _process.Kill(entireProcessTree: true);   // the namespace disposes it
    }

    protected void Launch(string program, params IEnumerable<string> arguments)
    {
        Process process = Machine.Space.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false });
        _process = process;
        foreach (StreamReader output in (StreamReader[])[process.StandardOutput, process.StandardError])
        {
            _ = Task.Run(async () =>
            {
                while (await output.ReadLineAsync() is { } line)
                {
                    lock (_said)
                        _said.AppendLine(line);
                }
            });
        }
    }

    /// <summary>Whether the process runs.</summary>
    protected bool IsRunning => _process is { HasExited: false };

    private void Signal(string signal)
    {
        Process process = _process!;
        using (var kill = Process.Start("kill", [signal, process.Id.ToString(CultureInfo.InvariantCulture)]))
            kill.WaitForExit();
        Assert.True(process.WaitForExit(TimeSpan.FromSeconds(10)), $"{GetType().Name} did not end: {Said}");
    }
}

/// <summary>How a daemon is started.</summary>
internal sealed record DaemonOptions
{
    /// <summary>The links it speaks on.</summary>
    public required IReadOnlyList<string> Links { get; init; }

    /// <summary>The prefixes it announces.</summary>
    public IReadOnlyList<string> Announced { get; init; } = [];

    /// <summary>The prefix for whose packets it announces a default route, or null for none. A bird that has this knows routes with a source in its table, and no others.</summary>
    public string? GatewayFor { get; init; }

    /// <summary>Whether bird's table is one of routes with a source, without announcing any.</summary>
    public bool KnowsSources { get; init; }

    /// <summary>Costs of links, where not 96.</summary>
    public IReadOnlyDictionary<string, int> Costs { get; init; } = new Dictionary<string, int>(StringComparer.Ordinal);

    /// <summary>The key that it signs and checks with, or null.</summary>
    public DaemonKey? Key { get; init; }

    /// <summary>Whether it takes packets without a good MAC, too.</summary>
    public bool IsPermissive { get; init; }

    /// <summary>Whether it remembers its sequence number over a restart, where it can.</summary>
    public bool KeepsState { get; init; } = true;

    /// <summary>Whether it measures round trips (babeld only), with the parameters of re6st.</summary>
    public bool MeasuresRoundTrips { get; init; }
}

/// <summary>A key in the words of all daemons.</summary>
/// <param name="IsBlake">BLAKE2s-128; otherwise HMAC-SHA256.</param>
/// <param name="Hex">Its octets.</param>
internal sealed record DaemonKey(bool IsBlake, string Hex)
{
    /// <summary>Ours.</summary>
    public Mesh.Babel.Mac.MacKey Ours => Mesh.Babel.Mac.MacKey.Create(IsBlake ? Mesh.Babel.Mac.MacAlgorithm.Blake2s128 : Mesh.Babel.Mac.MacAlgorithm.HmacSha256, Convert.FromHexString(Hex));
}
