using System.Runtime.InteropServices;
using Mesh.Node;
using Mesh.Node.Peers;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.Peer;
using Mesh.Protocol.Registry;
using Mesh.Security;
using Mesh.Security.Certificates;
using Mesh.Security.Keys;

namespace Mesh.Benchmarks.Peers;

/// <summary>An authority and the certificates of many nodes, of which a measurement starts as many as it wants.</summary>
internal sealed partial class PeerNetwork : IDisposable
{
    private const int KeyCount = 8;   // making thousands of keys takes longer than all the rest
    private const int PrefixLength = 16;   // a /64 for each node

    private readonly CertificateAuthority _authority;
    private readonly PrivateKey[] _keys;
    private readonly NodeIdentity[] _identities;
    private readonly NetworkVersion _version;
    private readonly DateTimeOffset _now = DateTimeOffset.UtcNow;

    private PeerNetwork(int nodes)
    {
        _keys = new PrivateKey[KeyCount + 1];
        Parallel.For(0, _keys.Length, index => _keys[index] = PrivateKey.Generate());
        _authority = CertificateAuthority.Create(NetworkPrefix.Parse("2001:db8:42::/48"), _keys[KeyCount], "benchmark", "ca@example.org", _now.AddDays(-1), _now.AddDays(30));
        _version = VersionSigner.Sign(_authority, 1);
        var verifier = new CertificateVerifier(_authority.Certificate);
        string[] requests = [.. _keys.Select(static key => new CertificateRequestBuilder().ToPem(key))];
        _identities = [.. Enumerable.Range(0, nodes).Select(node =>
        {
            var issued = new IssuedIdentity(new NodePrefix((uint)node, PrefixLength), SubjectSerial: null, (ulong)node + 1, _now.AddDays(-1), _now.AddDays(29));
            RequestProblem problem = _authority.TryIssue(requests[node % KeyCount], issued, out NodeCertificate? certificate);
            return certificate is null ? throw new InvalidDataException($"no certificate for node {node}: {problem}") : new NodeIdentity(verifier, certificate, _keys[node % KeyCount], _now);
        })];
    }

    /// <summary>Makes keys and certificates.</summary>
    public static PeerNetwork Create(int nodes) => new(nodes);

    /// <summary>Complete handshakes per second between nodes that do not know each other: four greetings and secrets, and the messages with which every session of ours begins.</summary>
    public double Handshakes(BenchmarkOptions options, int pairs)
    {
        var wire = new Wire();
        (PeerNode Caller, PeerNode Called)[] all = [.. Enumerable.Range(0, pairs).Select(pair => (Start(wire, 2 * pair), Start(wire, (2 * pair) + 1)))];
        Watch watch = Watch.Start(options);
        foreach ((PeerNode caller, PeerNode called) in all)
            Connect(wire, caller, called);
        double rate = pairs / watch.Seconds;
        foreach ((PeerNode caller, PeerNode called) in all)
            Check(caller, called);
        return rate;
    }

    /// <summary>Messages per second from one node's actors to another's, each acknowledged before the next.</summary>
    public double Conversations(BenchmarkOptions options, int count)
    {
        var wire = new Wire();
        PeerNode caller = Start(wire, 0), called = Start(wire, 1);
        Connect(wire, caller, called);
        Check(caller, called);
        // What both said at the beginning has crossed; with that over, each message has one answer.
        foreach (PeerNode node in (PeerNode[])[caller, called, caller, called])
        {
            node.Wait(TimeSpan.FromSeconds(10));
            wire.Deliver();
        }

        var message = new TellPeer(called.Identity.Prefix, PeerCode.KillAnswer, default);
        Watch watch = Watch.Start(options);
        for (int i = 0; i < count; i++)
        {
            caller.Tell(message);
            wire.Deliver();
        }

        double rate = count / watch.Seconds;
        if (called.Status().Counters.GetValueOrDefault(PeerCounter.Messages) < count)
            throw new InvalidOperationException("messages were lost on a wire that loses none");
        return rate;
    }

    /// <summary>Memory that a node keeps for each connected session, in the runtime's heap and in the C library's, where OpenSSL has its keys.</summary>
    public double BytesPerSession(int sessions)
    {
        var wire = new Wire();
        PeerNode hub = Start(wire, 0);
        long before = UsedMemory();
        for (int node = 1; node <= sessions; node++)
        {
            PeerNode other = Start(wire, node);
            Connect(wire, other, hub);
            wire.Remove(other);   // only the hub's end counts
        }

        double used = (UsedMemory() - before) / (double)sessions;
        int connected = hub.Status().Peers.Count(static peer => peer.State == PeerState.Connected);
        return connected == sessions ? used : throw new InvalidOperationException($"{connected} of {sessions} nodes have a session");
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (PrivateKey key in _keys)
            key.Dispose();   // the last one is the authority's
    }

    private PeerNode Start(Wire wire, int node)
    {
        var started = new PeerNode(_identities[node], wire, _now, _version);
        wire.Add(started);
        return started;
    }

    private static void Connect(Wire wire, PeerNode caller, PeerNode called)
    {
        caller.Tell(new TellPeer(called.Identity.Prefix, PeerCode.KillAnswer, default));
        wire.Deliver();
    }

    private static void Check(PeerNode caller, PeerNode called)
    {
        foreach (PeerNode node in (PeerNode[])[caller, called])
        {
            PeersStatus status = node.Status();
            if (status.Peers is not [{ State: PeerState.Connected, Features: not null }] || status.Counters.GetValueOrDefault(PeerCounter.Established) != 1)
                throw new InvalidOperationException($"{node.Identity.Prefix} has no session: {string.Join(", ", status.Counters)}");
        }
    }

    private static long UsedMemory()
    {
        const int MaxRounds = 10;   // the library's keys are freed one after the other, by finalizers
        long used = long.MaxValue;
        for (int round = 0; round < MaxRounds; round++)
        {
            Sampler.Collect();
            AllocatorState native = AllocatorStateOf();
            used = Math.Min(used, GC.GetTotalMemory(forceFullCollection: true) + (long)(native.InUse + native.Mapped));
        }

        return used;
    }

    // malloc.h
    [LibraryImport("libc", EntryPoint = "mallinfo2")]
    private static partial AllocatorState AllocatorStateOf();

    /// <summary>struct mallinfo2: octets, but for the numbers of blocks.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private readonly struct AllocatorState
    {
        private readonly nuint _arena, _freeBlocks, _fastBlocks, _mappings;
        public readonly nuint Mapped;
        private readonly nuint _unused, _fastFree;
        public readonly nuint InUse;
        private readonly nuint _free, _releasable;
    }
}
