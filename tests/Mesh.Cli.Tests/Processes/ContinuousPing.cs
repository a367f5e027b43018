using System.Net;
using Mesh.Cli.Demo;
using Mesh.Cli.Ping;

namespace Mesh.Cli.Tests.Processes;

/// <summary>Every node pings every other ten times a second until it is stopped.</summary>
internal sealed class ContinuousPing : IDisposable
{
    private const int RoundLength = 10;
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(5);   // on a busy machine an answer may be late, which is not lost

    private readonly List<Pinger> _pingers = [];
    private readonly List<Task> _running = [];
    private readonly List<string> _losses = [];
    private volatile bool _isStopping;

    public ContinuousPing(RunningOverlay network)
    {
        foreach (DemoMachine from in network.Machines)
        {
            IPAddress[] targets = [.. network.Machines.Where(machine => machine != from).Select(machine => IPAddress.Parse(network.Overlay[machine].Address))];
            Pinger pinger = from.Namespace.Run(static () => new Pinger(Timeout));
            _pingers.Add(pinger);
            _running.Add(Task.Run(() => RunAsync(from, pinger, targets)));
        }
    }

    /// <summary>Requests sent so far.</summary>
    public long Sent { get; private set; }

    /// <summary>Requests without an answer so far.</summary>
    public long Lost { get; private set; }

    /// <summary>Which were lost, for people.</summary>
    public string Losses
    {
        get
        {
            lock (_losses)
                return $"{Lost} of {Sent} lost: {string.Join("; ", _losses)}";
        }
    }

    /// <summary>Stops, when all answers that are under way have come.</summary>
    public Task StopAsync()
    {
        _isStopping = true;
        return Task.WhenAll(_running);
    }

    public void Dispose()
    {
        StopAsync().GetAwaiter().GetResult();
        foreach (Pinger pinger in _pingers)
            pinger.Dispose();
    }

    private async Task RunAsync(DemoMachine from, Pinger pinger, IPAddress[] targets)
    {
        while (!_isStopping)
        {
            IReadOnlyList<PingReport> reports = await pinger.RunAsync(targets, RoundLength, Interval, CancellationToken.None);
            lock (_losses)
            {
                Sent += reports.Sum(static report => report.Sent);
                Lost += reports.Sum(static report => report.Sent - report.Received);
                _losses.AddRange(reports.Where(static report => report.Received < report.Sent).Select(report => $"{from.Name} to {report.Address} {report.Sent - report.Received} ({report.Problem})"));
            }
        }
    }
}
