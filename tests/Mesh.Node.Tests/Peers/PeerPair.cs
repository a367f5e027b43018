using Mesh.Actors.Persistence;
using Mesh.Node.Peers;
using Mesh.Node.Tests.Doubles;
using Mesh.Protocol.Addressing;

namespace Mesh.Node.Tests.Peers;

/// <summary>Node A and node B, and what is between them: 5 ms, and whatever the test does to datagrams.</summary>
internal sealed class PeerPair
{
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan Latency = TimeSpan.FromMilliseconds(5);

    private readonly PeersOptions _options;
    private readonly List<(TimeSpan At, bool ToB, SentDatagram Datagram)> _flying = [];
    private TimeSpan _now;

    public PeerPair(PeersOptions? options = null, TimeSpan? skewOfB = null)
    {
        _options = options ?? new PeersOptions();
        A = new PeerWorld(Identities.A, options: _options);
        B = new PeerWorld(Identities.B, Identities.Now + (skewOfB ?? TimeSpan.Zero), _options);
        B.Entropy.Start = 128;
    }

    public PeerWorld A { get; private set; }

    public PeerWorld B { get; private set; }

    /// <summary>Everything that was sent, in order; lost datagrams too.</summary>
    public List<(bool ToB, byte[] Octets)> Sent { get; } = [];

    /// <summary>The same for people: when, from whom, the first octets, what became of it.</summary>
    public List<string> Trace { get; } = [];

    /// <summary>Says whether a datagram is lost: its number from 0.</summary>
    public Func<int, bool> Loses { get; set; } = static _ => false;

    public bool IsConnected => A.StateOf(Identities.B) == PeerState.Connected && B.StateOf(Identities.A) == PeerState.Connected;

    /// <summary>Node B begins anew.</summary>
    public void RestartB(SimulatedDisk? disk = null, TimeSpan? setClockBack = null) =>
        B = new PeerWorld(Identities.B, Identities.Now + _now - (setClockBack ?? TimeSpan.Zero), _options, disk);

    public void RestartA(SimulatedDisk? disk = null, TimeSpan? setClockBack = null) =>
        A = new PeerWorld(Identities.A, Identities.Now + _now - (setClockBack ?? TimeSpan.Zero), _options, disk);

    public void Run(TimeSpan duration)
    {
        for (TimeSpan end = _now + duration; _now < end; _now += Step)
        {
            A.Kit.Advance(Step);
            B.Kit.Advance(Step);
            Collect(A.Take(), toB: true);
            Collect(B.Take(), toB: false);
            while (_flying.Count > 0 && _flying[0].At <= _now)
            {
                (_, bool toB, SentDatagram datagram) = _flying[0];
                _flying.RemoveAt(0);
                if (toB)
                    B.Receive(Identities.A, datagram.Datagram.Span);
                else
                    A.Receive(Identities.B, datagram.Datagram.Span);
            }
        }
    }

    /// <summary>Lets time pass until something is so.</summary>
    public bool RunUntil(Func<bool> condition, TimeSpan limit)
    {
        for (TimeSpan end = _now + limit; _now < end;)
        {
            Run(TimeSpan.FromMilliseconds(20));
            if (condition())
                return true;
        }

        return false;
    }

    private void Collect(SentDatagram[] sent, bool toB)
    {
        foreach (SentDatagram datagram in sent)
        {
            Assert.Contains(datagram.To, (Ipv6Address[])[Peer(toB).Address, Peer(toB).Prefix.FirstAddress(Peer(toB).Network)]);
            bool isLost = Loses(Sent.Count);
            Sent.Add((toB, datagram.Datagram.ToArray()));
            Trace.Add($"{_now.TotalSeconds:0.000} {(toB ? "A" : "B")} {Convert.ToHexString(datagram.Datagram.Span[..Math.Min(6, datagram.Datagram.Length)])}{(datagram.Datagram.Length == 24 ? " ack" : "")}{(isLost ? " lost" : "")}");
            if (!isLost)
                _flying.Add((_now + Latency, toB, datagram));
        }
    }

    private static NodeIdentity Peer(bool isB) => isB ? Identities.B : Identities.A;
}
