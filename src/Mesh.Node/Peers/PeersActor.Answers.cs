using System.Text;
using System.Text.Unicode;
using Mesh.DataPlane;
using Mesh.Node.AddressBook;
using Mesh.Node.Routing;
using Mesh.Node.Tunnels;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.Peer;
using Mesh.Protocol.Registry;
using Mesh.Protocol.Tunnel;

namespace Mesh.Node.Peers;

/// <content>What peers say, and what we answer (protocol reference 4.4). Whatever comes, the answer is data of ours or an acknowledgement: nothing that a member sends can do more.</content>
public sealed partial class PeersActor
{
    private const int MaxLogLength = 1024;

    private void OnSpoke(PeerSpoke spoke)
    {
        Entry peer = _peers[spoke.Peer];
        byte code = (byte)(spoke.Code & ~PeerCode.Forwarded);
        bool isForwarded = code != spoke.Code;
        ReadOnlyMemory<byte>? answer = null;
        if (isForwarded && !spoke.Data.IsEmpty)
            PassToLocal(spoke.Peer, code, spoke.Data);
        else
            answer = AnswerTo(peer, code, spoke.Data, isForwarded);
        peer.Actor.Tell(new Respond(spoke.Code, answer, spoke.From, spoke.Port));
    }

    private ReadOnlyMemory<byte>? AnswerTo(Entry peer, byte code, ReadOnlyMemory<byte> data, bool isForwarded)
    {
        NodePrefix from = peer.Record.Prefix;
        switch (code)
        {
            case PeerCode.NetworkVersion:
                return OnVersion(peer, data.Span);
            case PeerCode.Address when data.IsEmpty:
                return AddressesFor(peer.Record, isForwarded);
            case PeerCode.Address:
                OnAddresses(from, data.Span);
                return null;
            case PeerCode.KillRequest:
                if (TryReadKill(data.Span, out TunnelKill? asked))
                    Context.System.EventStream.Publish(new PeerKillRequested(from, asked));
                return null;
            case PeerCode.KillAnswer:
                if (TryReadKill(data.Span, out TunnelKill? answered))
                    Context.System.EventStream.Publish(new PeerKillAnswered(from, answered));
                return null;
            case PeerCode.NodeInformation when data.IsEmpty:
                return _software.Encode();
            case PeerCode.Topology when data.IsEmpty && from == _registryNode:
                return Topology().Encode();
            case PeerCode.NodeInformation:
                return null;   // an answer that only the registry would have asked for
            case PeerCode.Topology:
                _counters.Add(PeerCounter.NotAllowed);
                return null;
            case PeerCode.Log:
                OnLog(peer, data.Span);
                return null;
            case PeerCode.Capabilities:
                return OnCapabilities(peer.Record, data.Span);
            default:
                _counters.Add(PeerCounter.UnknownCode);
                return null;
        }
    }

    private ReadOnlyMemory<byte>? OnVersion(Entry peer, ReadOnlySpan<byte> data)
    {
        if (!NetworkVersion.TryParse(data, out NetworkVersion? version))
        {
            _counters.Add(PeerCounter.BadData);
            return null;
        }

        // One that we have costs nothing; any other has to be checked before it counts, an old one too: only a valid one is answered.
        if (version == _version)
        {
            peer.Version = version;
            return null;
        }

        peer.Versions ??= new TokenBucket(Options.VersionChecksPerSecond, 4 * Options.VersionChecksPerSecond);
        if (!peer.Versions.TryTake(Context.Now))
        {
            _counters.Add(PeerCounter.MessageLimited);
            return null;
        }

        if (!Security.VersionSigner.IsValid(version, _identity.Verifier.Authority))
        {
            _counters.Add(PeerCounter.VersionForged);
            return null;
        }

        if (version < _version)
        {
            peer.Version = _version;
            return _version!.Blob.AsMemory();
        }

        peer.Version = version;
        Context.System.EventStream.Publish(new VersionHeard(peer.Record.Prefix, version));
        return null;
    }

    // A node of re6st may not survive names of protocols that it does not know; the registry asks for all, since others want to know.
    private ReadOnlyMemory<byte> AddressesFor(PeerRecord peer, bool isForRegistry)
    {
        AddressList list = _advertised;
        if (!isForRegistry && !(peer.Features ?? PeerFeatures.None).HasFlag(PeerFeatures.NativeTunnels))
            list = new AddressList([.. list.Where(static address => address.Protocol != AddressProtocol.Mesh)]);
        if (peer.Protocol is < PeerDatagram.CountryProtocol)
            list = list.WithoutCountries();
        return Encoding.UTF8.GetBytes(list.ToString());
    }

    private void OnAddresses(NodePrefix from, ReadOnlySpan<byte> data)
    {
        if (AddressList.TryParse(data, out AddressList addresses, out _))
            _addressBook.Tell(new PeersSeen([new PeerAddressEntry(from, addresses)]));
        else
            _counters.Add(PeerCounter.BadData);
    }

    private bool TryReadKill(ReadOnlySpan<byte> data, out TunnelKill? kill)
    {
        kill = null;
        if (data.IsEmpty || TunnelKill.TryDecode(data, out kill))
            return true;
        _counters.Add(PeerCounter.BadData);
        return false;
    }

    // A node of re6st understands code 2 as a request and code 3 as an agreement, whatever follows: what is neither cannot be said to it.
    private void Tell(TellOfKill tell)
    {
        if (FindToTell(tell.Peer) is not { } entry)
            return;
        bool isNumbered = (entry.Record.Features ?? PeerFeatures.None).HasFlag(PeerFeatures.NumberedKills);
        if (!isNumbered && tell is { Code: PeerCode.KillAnswer, Kill.Agrees: false })
            return;
        bool hasData = isNumbered || tell.Code == PeerCode.KillAnswer;   // who has sent a number understands one
        ReadOnlyMemory<byte> data = hasData && tell.Kill is { } kill ? kill.Encode() : default;
        entry.Actor.Tell(new Tell(tell.Code, data) { Until = tell.Until });
    }

    private ReadOnlyMemory<byte>? OnCapabilities(PeerRecord peer, ReadOnlySpan<byte> data)
    {
        if (!PeerCapabilities.TryDecode(data, out PeerCapabilities? capabilities))
        {
            _counters.Add(PeerCounter.BadData);
            return null;
        }

        peer.Features = capabilities.Features;
        _addressBook.Tell(new PeersSeen([new PeerAddressEntry(peer.Prefix, capabilities.Addresses)]));
        if (capabilities.IsAnswer)
            return null;
        return OwnCapabilities(isAnswer: true);
    }

    private byte[] OwnCapabilities(bool isAnswer) => new PeerCapabilities(PeerFeatures.NativeTunnels | PeerFeatures.NewsInTunnels | PeerFeatures.NumberedKills, _advertised, isAnswer).Encode();

    private TopologyReport Topology()
    {
        TunnelStatus[] up = [.. _tunnels.Values.Where(static tunnel => tunnel.State == TunnelState.Up).DistinctBy(static tunnel => tunnel.Peer).Take(TopologyReport.MaxTunnels)];
        return new TopologyReport([.. up.Where(static tunnel => tunnel.IsClient).Select(static tunnel => tunnel.Peer)], [.. up.Where(static tunnel => !tunnel.IsClient).Select(static tunnel => tunnel.Peer)]);
    }

    private void OnLog(Entry peer, ReadOnlySpan<byte> data)
    {
        if (_registryNode != _identity.Prefix)
        {
            _counters.Add(PeerCounter.NotAllowed);
            return;
        }

        peer.Logs ??= new TokenBucket(Options.LogsPerSecond, 4 * Options.LogsPerSecond);
        if (data.Length > MaxLogLength || !Utf8.IsValid(data))
            _counters.Add(PeerCounter.BadData);
        else if (!peer.Logs.TryTake(Context.Now))
            _counters.Add(PeerCounter.MessageLimited);
        else
            Log.Info($"{peer.Record.Prefix} says: {Printable(Encoding.UTF8.GetString(data))}");
    }

    // A line of our log is one line, and it does not steer a terminal.
    private static string Printable(string text) => string.Create(text.Length, text, static (target, source) =>
    {
        for (int index = 0; index < source.Length; index++)
            target[index] = char.IsControl(source[index]) ? ' ' : source[index];
    });

    // Neighbours hear of a version in the tunnel's control stream; here do those that have none, and all with whom there is a session, since that costs two datagrams.
    private void Spread()
    {
        if (_version is not { } version)
            return;
        TunnelStatus[] up = [.. _tunnels.Values.Where(static tunnel => tunnel.State == TunnelState.Up && !tunnel.Peer.IsEmpty)];
        IEnumerable<NodePrefix> connected = _peers.Values.Where(static entry => entry.Record.State == PeerState.Connected).Select(static entry => entry.Record.Prefix);
        IEnumerable<NodePrefix> inTunnels = up.Where(IsToldInTunnel).Select(static tunnel => tunnel.Peer);
        foreach (NodePrefix peer in connected.Union(up.Select(static tunnel => tunnel.Peer)).Except(inTunnels).Order().ToArray())
            TellVersion(peer, version);
    }

    private void TellVersion(NodePrefix peer, NetworkVersion version)
    {
        if (FindOrAdd(peer) is not { } entry || entry.Version >= version)
            return;
        entry.Version = version;
        entry.Actor.Tell(new Tell(PeerCode.NetworkVersion, version.Blob.AsMemory()));
    }

    private static NetworkVersion Newer(NetworkVersion? one, NetworkVersion other) => one is not null && one > other ? one : other;

    private void OnTunnel(TunnelStatus status)
    {
        bool wasUp = _tunnels.TryGetValue(status.Index.Value, out TunnelStatus? before) && before.State == TunnelState.Up;
        _tunnels[status.Index.Value] = status;
        if (!wasUp && status.State == TunnelState.Up && !IsToldInTunnel(status) && _version is { } version)
            TellVersion(status.Peer, version);   // one of us may have slept
    }

    private bool IsToldInTunnel(TunnelStatus tunnel) => Options.IsVersionToldInTunnels && tunnel.CarriesNews;

    private void OnRoutes(RoutesPublished routes)
    {
        bool hadRegistry = IsRegistryRouted();
        _routes = routes.Routes;
        if (!hadRegistry && IsRegistryRouted())
            Context.Timers.StartSingle(nameof(MeetRegistryNode), UpkeepDue.Instance, Context.Random.NextTimeSpan(TimeSpan.FromSeconds(1), UpkeepInterval));
    }

    private bool IsRegistryRouted() => _registryNode is { } node && NodeRoutes.Find(_routes, node.Subnet(_identity.Network)) is not null;

    // The registry asks nodes through the node beside it, and a first message to a peer without session is lost at nodes of re6st. So there is one (protocol reference 7.3).
    private void MeetRegistryNode()
    {
        if (_registryNode is { } node && node != _identity.Prefix && IsRegistryRouted() && (!_peers.TryGetValue(node, out Entry? entry) || entry.Record.State == PeerState.Idle && entry.Record.Session is null))
            Tell(node, PeerCode.Capabilities, OwnCapabilities(isAnswer: false));
    }
}
