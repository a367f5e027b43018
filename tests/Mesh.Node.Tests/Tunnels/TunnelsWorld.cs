using System.Buffers;
using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Text;
using Mesh.Actors;
using Mesh.Actors.TestKit;
using Mesh.DataPlane;
using Mesh.Node.AddressBook;
using Mesh.Node.Ports;
using Mesh.Node.Tests.Doubles;
using Mesh.Node.Tunnels;
using Mesh.Node.Tunnels.Killers;
using Mesh.Node.Tunnels.OpenVpn;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.Tunnel;

namespace Mesh.Node.Tests.Tunnels;

/// <summary>A manager with real tunnel actors, and a test that plays all peers, the address book and the bootstrap.</summary>
internal sealed class TunnelsWorld
{
    public TunnelsWorld(TunnelsOptions options, ulong seed = 1, Props? bootstrap = null, OpenVpnEquipment? openVpn = null)
    {
        Kit = new ActorTestKit(seed);
        AddressBook = Kit.CreateProbe("address-book");
        Bootstrap = Kit.CreateProbe("bootstrap");
        Router = Kit.CreateProbe("router");
        Killer = Kit.CreateProbe("killer");
        Ports = new TunnelPorts(Streams, DataPlane, new CountingEntropy(), Kit.System.DeadLetters, Router.Ref, Identify)
        {
            OpenVpn = openVpn,
            EndOf = EndOf,
            IsRenewal = static (present, renewed) => Text(present).Split(' ')[0] == Text(renewed).Split(' ')[0] && !Text(renewed).Contains("another key", StringComparison.Ordinal),
        };
        Manager = Kit.ActorOf(Props.Create(() => Actor = new TunnelsActor(options, Ports, AddressBook.Ref, Bootstrap.Ref, Killer.Ref)), "tunnels");
    }

    public ActorTestKit Kit { get; }

    public RecordingStreams Streams { get; } = new();

    public RecordingDataPlane DataPlane { get; } = new();

    public TunnelPorts Ports { get; }

    public TestProbe AddressBook { get; }

    public TestProbe Bootstrap { get; }

    public TestProbe Router { get; }

    public TestProbe Killer { get; }

    public ActorRef Manager { get; }

    public TunnelsActor? Actor { get; private set; }

    /// <summary>Nodes whose certificates are refused.</summary>
    public HashSet<NodePrefix> Revoked { get; } = [];

    /// <summary>When certificates end; others never do.</summary>
    public Dictionary<string, DateTimeOffset> Ends { get; } = new(StringComparer.Ordinal);

    /// <summary>Whom the manager has tried to connect to, in order.</summary>
    public IReadOnlyList<NodePrefix> Dialled => [.. Streams.Connects.Select(c => NodeAt(c.Remote))];

    public static NodePrefix Node(int number) => new((UInt128)number, 16);

    /// <summary>Node n can be reached at 198.51.100.n.</summary>
    public static IPEndPoint At(int number) => new(IPAddress.Parse($"198.51.100.{number}"), 1326);

    public static PeerAddressEntry Known(int number, params string[] addresses) =>
        new(Node(number), AddressList.TryParse(string.Join(';', addresses.Length > 0 ? addresses : [$"198.51.100.{number},1326,mesh"]), out AddressList list, out _) ? list : throw new FormatException());

    public void Learn(params int[] numbers) => Learn([.. numbers.Select(n => Known(n))]);

    public void Learn(params PeerAddressEntry[] peers)
    {
        Kit.System.EventStream.Publish(new KnownPeers(ImmutableArray.Create(peers)));
        Kit.Settle();
    }

    /// <summary>Streams that were dialled and are neither closed by us nor by the peer.</summary>
    public IReadOnlyList<int> Dialling => [.. Streams.Connects.Where(c => !Streams.Closed.Contains(c.Stream) && !_ended.Contains(c.Stream)).Select(c => (int)NodeAt(c.Remote).Value)];

    private readonly HashSet<StreamId> _ended = [];

    public StreamId DialTo(int number) => Streams.Connects.Last(c => NodeAt(c.Remote) == Node(number)).Stream;

    /// <summary>The peer that was dialled answers, and the tunnel comes up.</summary>
    public StreamId AnswerDial(int number, ObservedEndpoint seenAt = default, SealingCipher cipher = SealingCipher.Aes256Gcm)
    {
        StreamId stream = DialTo(number);
        OwnerOf(stream).Tell(new StreamOpened(stream, TunnelWorld.CertificateOf(Node(number)), At(number), Accepted: false));
        Kit.Settle();
        Frame(stream, (TunnelWorld.PeerHello([cipher]) with { ReceiverSeenAt = seenAt }).Encode);
        Frame(stream, new TunnelReady(cipher).Encode);
        return stream;
    }

    /// <summary>The peer that was dialled cannot be reached, or a stream ends.</summary>
    public void Close(StreamId stream, string reason = "connection refused")
    {
        _ended.Add(stream);
        OwnerOf(stream).Tell(new StreamClosed(stream, reason));
        Kit.Settle();
    }

    /// <summary>A peer connects and greets.</summary>
    public StreamId Call(int number, bool isOnly = false, bool finishes = true)
    {
        StreamId stream = Streams.NewStream();
        Manager.Tell(new StreamOpened(stream, TunnelWorld.CertificateOf(Node(number)), At(number), Accepted: true));
        Kit.Settle();
        if (Streams.Closed.Contains(stream))
            return stream;
        Frame(stream, TunnelWorld.PeerHello(capabilities: isOnly ? TunnelCapabilities.OnlyTunnel : TunnelCapabilities.None).Encode);
        if (finishes)
            Frame(stream, new TunnelReady(SealingCipher.Aes256Gcm).Encode);
        return stream;
    }

    public void Frame(StreamId stream, Action<IBufferWriter<byte>> encode)
    {
        var buffer = new ArrayBufferWriter<byte>();
        encode(buffer);
        OwnerOf(stream).Tell(new FrameReceived(stream, buffer.WrittenSpan[0], buffer.WrittenSpan[Protocol.Tunnel.Frame.HeaderLength..].ToArray()));
        Kit.Settle();
    }

    /// <summary>Frames of one kind that were sent on a stream.</summary>
    public IReadOnlyList<SentFrame> Sent(StreamId stream, byte kind) => [.. Streams.Sent.Where(f => f.Stream == stream && f.Kind == kind)];

    /// <summary>Whether we have asked the peer to close, and why.</summary>
    public CloseRequest? AskedToClose(StreamId stream) =>
        Sent(stream, CloseRequest.Kind) is [var frame, ..] && CloseRequest.TryDecode(frame.Payload.Span, out CloseRequest? request) ? request : null;

    /// <summary>What the killer was told to destroy since the last call.</summary>
    public IReadOnlyList<(StreamId Stream, DestroyTunnel Order)> TakeDoomed() =>
        [.. Killer.ReceiveAll().OfType<DestroyTunnel>().Select(order => (StreamOf(order.Tunnel.Actor), order))];

    /// <summary>The killer has come to its end with a tunnel.</summary>
    public void Cut(StreamId stream)
    {
        OwnerOf(stream).Tell(new CutTunnel("both ends agree"));
        Kit.Advance(TimeSpan.FromSeconds(1));
    }

    public StreamId StreamOf(ActorRef tunnel)
    {
        StreamId accepted = Streams.Handovers.FirstOrDefault(h => h.Owner == tunnel).Stream;
        return accepted != default ? accepted : Streams.Connects.Single(c => c.Owner == tunnel).Stream;
    }

    /// <summary>The peer answers our request to close.</summary>
    public void AgreeToClose(StreamId stream) => Frame(stream, new CloseAnswer(CloseReason.Duplicate, "").Encode);

    /// <summary>Keeps all tunnels alive while time passes.</summary>
    public void Live(TimeSpan duration, params StreamId[] streams)
    {
        for (TimeSpan end = Kit.Now + duration; Kit.Now < end;)
        {
            Kit.Advance(TimeSpan.FromSeconds(1));
            foreach (StreamId stream in streams)
                Frame(stream, new KeepAlive(0, IsEcho: true).Encode);
        }
    }

    public ActorRef OwnerOf(StreamId stream) =>
        Streams.Handovers.FirstOrDefault(h => h.Stream == stream).Owner ?? Streams.Connects.Single(c => c.Stream == stream).Owner;

    private static NodePrefix NodeAt(IPEndPoint endpoint) => Node(int.Parse(endpoint.Address.ToString().Split('.')[^1], CultureInfo.InvariantCulture));

    private DateTimeOffset EndOf(ReadOnlyMemory<byte> certificate) => Ends.GetValueOrDefault(Text(certificate), DateTimeOffset.MaxValue);

    private static string Text(ReadOnlyMemory<byte> certificate) => Encoding.ASCII.GetString(certificate.Span);

    private bool Identify(ReadOnlyMemory<byte> certificate, out NodePrefix peer, out string problem)
    {
        TunnelWorld.Identify(certificate, out peer, out problem);
        if (Revoked.Contains(peer))
            problem = "its certificate is refused: it has been revoked";
        else if (Kit.Loop.UtcNow > EndOf(certificate))
            problem = "its certificate is refused: it has expired";
        return problem.Length == 0;
    }
}
