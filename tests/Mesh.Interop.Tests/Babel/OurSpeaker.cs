using System.Collections.Immutable;
using System.Diagnostics;
using System.Net;
using Mesh.Actors;
using Mesh.Babel;
using Mesh.Babel.Mac;
using Mesh.Node.Ports;
using Mesh.Platform.Linux.KernelInterfaces;
using Mesh.Protocol.Addressing;

namespace Mesh.Interop.Tests.Babel;

/// <summary>Our speaker on links of a machine, with real packets, and the kernel's routes in step with it: what a node does on kernel links, with any prefixes.</summary>
internal sealed class OurSpeaker : ActorRef, IBabelOutput, IDisposable
{
    private readonly LabMachine _machine;
    private readonly Lock _lock = new();
    private readonly BabelSpeaker _speaker;
    private readonly KernelLinkPort _port;
    private readonly AutoResetEvent _changed = new(initialState: false);
    private readonly Thread _timer;
    private readonly PriorityQueue<Action, TimeSpan> _later = new();
    private readonly SortedDictionary<RouteKey, KernelHopRoute> _routes = new(Comparer<RouteKey>.Create(RouteKey.Compare));
    private readonly List<byte[]> _sent = [];
    private volatile bool _isEnding;

    /// <summary>Starts it, without links.</summary>
    /// <param name="machine">Where.</param>
    /// <param name="options">Not the defaults.</param>
    public OurSpeaker(LabMachine machine, BabelOptions? options = null)
    {
        _machine = machine;
        var random = new DeterministicRandom((ulong)Stopwatch.GetTimestamp());
        _speaker = new BabelSpeaker(new RouterId(random.NextUInt64() | 1), options ?? new BabelOptions(), random.NextUInt64, this);
        _port = machine.Space.Run(() => new KernelLinkPort(0, machine.Loopback, static (_, _) => { }));
        _timer = new Thread(RunTimers) { IsBackground = true, Name = "our-speaker" };
        _timer.Start();
        machine.Lab.Keep(this);
    }

    /// <inheritdoc/>
    public override string Path => "/our-speaker";

    /// <summary>How long packets take on their way out and in: that of a long link. Our clock stands before and after it, as a real link's would.</summary>
    public (TimeSpan Out, TimeSpan In) Delay { get; set; }

    private static TimeSpan Now => Stopwatch.GetElapsedTime(0);

    /// <summary>Begins to speak on a link.</summary>
    public OurSpeaker On(string link, InterfaceParameters? parameters = null)
    {
        int index = _machine.IndexOf(link);
        _machine.Space.Run(() => _port.Open(index, Ipv6Address.Parse(_machine.LinkLocal.ToString()), this));
        Do((speaker, now) => speaker.AddInterface(new InterfaceId(index), (parameters ?? Parameters()) with { Address = BabelAddress.From(_machine.LinkLocal) }, now));
        return this;
    }

    /// <summary>Parameters with a Hello each second, on a link of the kind that babeld and bird are told of.</summary>
    public static InterfaceParameters Parameters(MacKeys? keys = null) => new()
    {
        Address = BabelAddress.Parse("fe80::"),
        Kind = LinkKind.Wired,
        SplitHorizon = false,
        HelloInterval = TimeSpan.FromSeconds(1),
        Ipv4Address = BabelAddress.Parse("192.0.2.99"),
        Keys = keys ?? MacKeys.None,
    };

    /// <summary>Announces prefixes.</summary>
    public OurSpeaker Announce(params string[] prefixes)
    {
        foreach (string prefix in prefixes)
            Do((speaker, now) => Assert.True(speaker.Announce(BabelPrefix.Parse(prefix), now)));
        return this;
    }

    /// <summary>What a route is for.</summary>
    public static RouteKey Key(string prefix, string? source = null) => new(BabelPrefix.Parse(prefix), source is null ? default : BabelPrefix.Parse(source));

    /// <summary>Does something with the speaker.</summary>
    public void Do(Action<BabelSpeaker, TimeSpan> action)
    {
        lock (_lock)
            action(_speaker, Now);
        _changed.Set();
    }

    /// <summary>Asks the speaker something.</summary>
    public T Ask<T>(Func<BabelSpeaker, T> question)
    {
        lock (_lock)
            return question(_speaker);
    }

    /// <summary>The interface of a link.</summary>
    public InterfaceId Id(string link) => new(_machine.IndexOf(link));

    /// <summary>The neighbour that a machine is to us on a link, or null.</summary>
    public NeighbourSnapshot? Neighbour(LabMachine other) =>
        Ask(speaker => speaker.Neighbours().Where(neighbour => neighbour.Address == BabelAddress.From(other.LinkLocal)).Select(static neighbour => (NeighbourSnapshot?)neighbour).FirstOrDefault());

    /// <summary>Whether there is a neighbour with a finite cost.</summary>
    public bool Hears(LabMachine other) => Neighbour(other) is { Cost: < ushort.MaxValue };

    /// <summary>The route in use for a prefix, and for packets from a source where one is given, or null.</summary>
    public RouteSnapshot? Selected(string prefix, string? source = null) => Ask(speaker => speaker.TryGetSelected(Key(prefix, source), out RouteSnapshot route) ? route : (RouteSnapshot?)null);

    /// <summary>All selected routes: prefix to metric.</summary>
    public SortedDictionary<string, int> Table() =>
        new(Ask(static speaker => speaker.Routes().Where(static route => route.IsSelected).ToDictionary(static route => route.Key.ToString(), static route => (int)route.Metric, StringComparer.Ordinal)), StringComparer.Ordinal);

    /// <summary>All packets that were sent so far.</summary>
    public IReadOnlyList<byte[]> SentSnapshot()
    {
        lock (_lock)
            return [.. _sent];
    }

    /// <summary>Takes everything back, as a node that stops in order.</summary>
    public void Stop()
    {
        Do(static (speaker, now) => speaker.Shutdown(now));
        Dispose();
    }

    /// <summary>Everything that the speaker knows, for a message.</summary>
    public string Explain() => Ask(static speaker => string.Join('\n',
        speaker.Neighbours().Select(static neighbour => neighbour.ToString()).Concat(speaker.Routes().Select(static route => route.ToString()))
            .Concat(Enum.GetValues<BabelCounter>().Where(static counter => counter < BabelCounter.Count).Select(counter => $"{counter} {speaker[counter]}"))));

    /// <inheritdoc/>
    public override void Tell(object message)
    {
        switch (message)
        {
            case KernelLinkPacket packet:
                Later(Delay.In, () => Do((speaker, now) =>
                    speaker.Receive(new InterfaceId(packet.Link), new BabelAddress(packet.From.Value), new BabelAddress(packet.To.Value), packet.Packet.Span, now)));
                break;
            case KernelLinkFailed failed:
                Assert.Fail(failed.Reason);
                break;
        }
    }

    /// <inheritdoc/>
    public override void Tell(object message, ActorRef? sender) => Tell(message);

    void IBabelOutput.Send(InterfaceId link, BabelAddress destination, ReadOnlySpan<byte> payload)
    {
        byte[] copy = payload.ToArray();
        _sent.Add(copy);
        Later(Delay.Out, () => _port.Send(link.Value, new Ipv6Address(destination.Bits), copy));
    }

    void IBabelOutput.RoutesChanged(ReadOnlySpan<RouteKey> routes)
    {
        foreach (RouteKey key in routes)
        {
            if (key.Prefix.IsIpv4)
                continue;
            if (_speaker.TryGetSelected(key, out RouteSnapshot route))
                _routes[key] = new KernelHopRoute(ToIpv6(key.Prefix), new KernelHop(route.Interface.Value, new Ipv6Address(route.NextHop.Bits))) { From = key.IsSourceSpecific ? ToIpv6(key.Source) : null };
            else
                _routes.Remove(key);
        }

        _port.Publish([.. _routes.Values]);
    }

    private static Ipv6Prefix ToIpv6(BabelPrefix prefix) => new(prefix.Bits, prefix.Length);

    /// <summary>Ends without a word, as a crash.</summary>
    public void Dispose()
    {
        if (_isEnding)
            return;
        _isEnding = true;
        _changed.Set();
        _timer.Join();
        _port.Dispose();
        _changed.Dispose();
    }

    private void Later(TimeSpan delay, Action action)
    {
        if (delay == TimeSpan.Zero)
        {
            action();
            return;
        }

        lock (_lock)
            _later.Enqueue(action, Now + delay);
        _changed.Set();
    }

    private void RunTimers()
    {
        while (!_isEnding)
        {
            TimeSpan next;
            List<Action> due = [];
            lock (_lock)
            {
                if (_speaker.NextDeadline <= Now)
                    _speaker.Tick(Now);
                while (_later.TryPeek(out _, out TimeSpan at) && at <= Now)
                    due.Add(_later.Dequeue());
                next = _later.TryPeek(out _, out TimeSpan later) && later < _speaker.NextDeadline ? later : _speaker.NextDeadline;
            }

            foreach (Action action in due)
                action();
            if (due.Count > 0)
                continue;
            TimeSpan wait = next - Now;
            if (wait > TimeSpan.Zero)
                _changed.WaitOne((int)Math.Clamp(Math.Ceiling(wait.TotalMilliseconds), 1, 1000));   // less than a millisecond would be none
        }
    }
}
