using System.Collections.Immutable;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using Mesh.Actors;
using Mesh.Babel;
using Mesh.Node.Ports;
using Mesh.Platform.Linux.KernelInterfaces;
using Mesh.Platform.Linux.Netlink;
using Mesh.Protocol.Addressing;

namespace Mesh.Benchmarks.Babel;

/// <summary>Our speaker as a process of its own, with the sockets and the kernel's routes that a node has on kernel links.</summary>
/// <remarks>Packets are handled by the thread that receives them; a second one waits for the timers. It answers each line it reads with the number of routes it knows, and ends with its input.</remarks>
internal sealed class BabelEnd : ActorRef, IBabelOutput, IDisposable
{
    /// <summary>The word that makes the program a speaker.</summary>
    public const string Role = "babel-end";

    private const int MaxWaitMs = 60_000;

    private readonly Lock _lock = new();
    private readonly BabelSpeaker _speaker;
    private readonly KernelLinkPort _port;
    private readonly bool _installs;
    private readonly AutoResetEvent _isSooner = new(initialState: false);
    private readonly SortedDictionary<RouteKey, KernelHopRoute> _routes = new(Comparer<RouteKey>.Create(RouteKey.Compare));
    private readonly Thread _timer;
    private TimeSpan _awake = TimeSpan.MaxValue;
    private volatile bool _isEnding;

    private BabelEnd(IPAddress source, bool installs)
    {
        _installs = installs;
        var random = new DeterministicRandom((ulong)Stopwatch.GetTimestamp() ^ (ulong)Environment.ProcessId);
        _speaker = new BabelSpeaker(new RouterId(random.NextUInt64() | 1), new BabelOptions(), random.NextUInt64, this);
        _port = new KernelLinkPort(0, source, static (_, text) => Console.Error.WriteLine(text));
        _timer = new Thread(RunTimers) { IsBackground = true, Name = "timers" };
    }

    /// <inheritdoc/>
    public override string Path => Role;

    private static TimeSpan Now => Stopwatch.GetElapsedTime(0);

    /// <summary>Runs a speaker. Arguments: link-local address, own address, number of prefixes (0: the own address), "install" or "keep", links.</summary>
    public static int Run(IReadOnlyList<string> arguments, TextReader input, TextWriter output)
    {
        IPAddress own = IPAddress.Parse(arguments[1]);
        int prefixes = int.Parse(arguments[2], CultureInfo.InvariantCulture);
        using var end = new BabelEnd(own, arguments[3] == "install");
        end.Start(BabelAddress.Parse(arguments[0]), arguments.Skip(4));
        lock (end._lock)
        {
            if (prefixes == 0)
                _ = end._speaker.Announce(new BabelPrefix(BabelAddress.From(own).Bits, 128), Now);
            for (int prefix = 0; prefix < prefixes; prefix++)
                _ = end._speaker.Announce(new BabelPrefix(BabelLan.Prefix(prefix), BabelLan.PrefixLength), Now);
        }

        end._isSooner.Set();
        output.WriteLine("ready");
        while (input.ReadLine() is not null)
        {
            lock (end._lock)
                output.WriteLine(end._speaker.Sizes.Routes.ToString(CultureInfo.InvariantCulture));
        }

        return 0;
    }

    /// <inheritdoc/>
    public override void Tell(object message)
    {
        switch (message)
        {
            case KernelLinkPacket packet:
                lock (_lock)
                {
                    _speaker.Receive(new InterfaceId(packet.Link), new BabelAddress(packet.From.Value), new BabelAddress(packet.To.Value), packet.Packet.Span, Now);
                    if (_speaker.NextDeadline < _awake)
                        _isSooner.Set();
                }

                break;
            case KernelLinkFailed failed:
                Console.Error.WriteLine(failed.Reason);
                break;
        }
    }

    /// <inheritdoc/>
    public override void Tell(object message, ActorRef? sender) => Tell(message);

    void IBabelOutput.Send(InterfaceId link, BabelAddress destination, ReadOnlySpan<byte> payload) => _port.Send(link.Value, new Ipv6Address(destination.Bits), payload.ToArray());

    void IBabelOutput.RoutesChanged(ReadOnlySpan<RouteKey> routes)
    {
        if (!_installs)
            return;
        foreach (RouteKey key in routes)
        {
            if (_speaker.TryGetSelected(key, out RouteSnapshot route))
                _routes[key] = new KernelHopRoute(new Ipv6Prefix(key.Prefix.Bits, key.Prefix.Length), new KernelHop(route.Interface.Value, new Ipv6Address(route.NextHop.Bits)));
            else
                _routes.Remove(key);
        }

        _port.Publish([.. _routes.Values]);
    }

    /// <summary>Ends without a word.</summary>
    public void Dispose()
    {
        _isEnding = true;
        _isSooner.Set();
        _timer.Join();
        _port.Dispose();
        _isSooner.Dispose();
    }

    private void Start(BabelAddress address, IEnumerable<string> links)
    {
        using var netlink = RouteNetlink.Open();
        lock (_lock)
        {
            foreach (int link in links.Select(name => netlink.GetLink(name).Index))
            {
                _port.Open(link, new Ipv6Address(address.Bits), this);
                _speaker.AddInterface(new InterfaceId(link), new InterfaceParameters { Address = address, Kind = LinkKind.Wired, HelloInterval = BabelDaemon.HelloInterval, UpdateInterval = BabelDaemon.UpdateInterval }, Now);
            }
        }

        _timer.Start();
    }

    private void RunTimers()
    {
        while (!_isEnding)
        {
            TimeSpan wait;
            lock (_lock)
            {
                if (_speaker.NextDeadline <= Now)
                    _speaker.Tick(Now);
                _awake = _speaker.NextDeadline;
                wait = _awake - Now;
            }

            // In whole milliseconds, rounded up: a fraction would be no wait at all, again and again until it is over.
            if (wait > TimeSpan.Zero)
                _isSooner.WaitOne((int)Math.Min(MaxWaitMs, Math.Ceiling(wait.TotalMilliseconds)));
        }
    }
}
