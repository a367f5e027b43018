using Mesh.Babel.Tests.Network;
using Mesh.Babel.Wire;

namespace Mesh.Babel.Tests.Speaker;

/// <summary>One speaker, fed by hand; remembers what it sent, TLV by TLV.</summary>
internal sealed class Bench : IBabelOutput
{
    public static readonly InterfaceId Link = new(1);
    public static readonly InterfaceId OtherLink = new(2);
    public static readonly BabelAddress Self = BabelAddress.Parse("fe80::a");
    public static readonly BabelAddress Peer = BabelAddress.Parse("fe80::c");
    public static readonly BabelAddress OtherPeer = BabelAddress.Parse("fe80::d");
    public static readonly RouterId OwnId = new(0x0200_5EFF_FE00_000A);
    public static readonly RouterId Origin = new(0x0200_0000_0000_0099);
    public static readonly BabelPrefix Own = BabelPrefix.Parse("2001:db8:a::/64");
    public static readonly BabelPrefix Far = BabelPrefix.Parse("2001:db8:f::/64");
    private readonly byte[] _scratch = new byte[2048];
    private readonly Dictionary<BabelAddress, ushort> _hellos = [];
    private int _packets;

    public Bench(ushort firstSeqno = 1000, BabelOptions? options = null, InterfaceParameters? parameters = null, bool twoLinks = false, RouterId? id = null, IBabelFilter? filter = null, Seqno? kept = null)
    {
        var random = new SeededRandom(1);
        bool isFirst = true;
        Speaker = new BabelSpeaker(id ?? OwnId, options ?? new BabelOptions(), Random, this, filter: filter, firstSeqno: kept);
        Speaker.AddInterface(Link, parameters ?? new InterfaceParameters { Address = Self }, Now);
        if (twoLinks)
            Speaker.AddInterface(OtherLink, new InterfaceParameters { Address = BabelAddress.Parse("fe80::b") }, Now);
        _ = Speaker.Announce(Own, Now);

        ulong Random()
        {
            ulong value = isFirst ? firstSeqno : random.Next();
            isFirst = false;
            return value;
        }
    }

    public BabelSpeaker Speaker { get; }

    public TimeSpan Now { get; private set; }

    public List<Sent> Log { get; } = [];

    public List<RouteKey> Changes { get; } = [];

    public IEnumerable<ReceivedUpdate> Updates(BabelPrefix prefix) => Log.Where(s => s.Kind == TlvKind.Update && s.Update.Prefix == prefix && !s.Update.IsWildcard).Select(s => s.Update);

    public IEnumerable<Sent> Of(TlvKind kind) => Log.Where(s => s.Kind == kind);

    public void Advance(double seconds)
    {
        TimeSpan end = Now + TimeSpan.FromSeconds(seconds);
        while (Speaker.NextDeadline <= end)
        {
            Now = Speaker.NextDeadline > Now ? Speaker.NextDeadline : Now;
            Speaker.Tick(Now);
        }

        Now = end;
    }

    /// <summary>Lets time pass without telling the speaker.</summary>
    public void Oversleep(double seconds) => Now += TimeSpan.FromSeconds(seconds);

    /// <summary>Advances second by second while the peers keep saying Hello.</summary>
    public void AdvanceWithHellos(int seconds, params (InterfaceId Link, BabelAddress Peer)[] peers)
    {
        for (int i = 0; i < seconds; i++)
        {
            Advance(1);
            if (i % 4 != 3)
                continue;
            foreach ((InterfaceId link, BabelAddress peer) in peers)
                Receive(w => Hello(w, peer), link, peer);
        }
    }

    public void Receive(byte[] packet, InterfaceId? link = null, BabelAddress? peer = null) => Speaker.Receive(link ?? Link, peer ?? Peer, packet, Now);

    public void Receive(Action<PacketWriter> write, InterfaceId? link = null, BabelAddress? peer = null)
    {
        var writer = new PacketWriter();
        writer.Begin(1400);
        write(writer);
        Receive(writer.Finish().ToArray(), link, peer);
    }

    /// <summary>Three Hellos and an IHU: the link to the peer costs what the IHU says.</summary>
    public void Meet(InterfaceId? link = null, BabelAddress? peer = null, ushort cost = 96)
    {
        BabelAddress who = peer ?? Peer;
        for (int i = 0; i < 3; i++)
            Receive(w => Hello(w, who), link, who);
        Ihu(link, who, cost);
    }

    public void Ihu(InterfaceId? link = null, BabelAddress? peer = null, ushort cost = 96) =>
        Receive(w => w.TryAppend(_scratch.AsSpan(0, new IhuTlv(AddressEncoding.Wildcard, cost, 60000, default).Encode(_scratch))), link, peer);

    public void Announce(ushort metric, ushort seqno = 10, BabelPrefix? prefix = null, RouterId? origin = null, InterfaceId? link = null, BabelAddress? peer = null, ushort interval = 1600, BabelPrefix source = default) =>
        Receive(w => w.TryAppend(new OutgoingUpdate(prefix ?? Far, origin ?? Origin, new Seqno(seqno), metric, interval, Source: source)), link, peer);

    public void Request(SeqnoRequestTlv request, InterfaceId? link = null, BabelAddress? peer = null) =>
        Receive(w => w.TryAppend(_scratch.AsSpan(0, request.Encode(_scratch))), link, peer);

    public void Request(BabelPrefix? prefix, InterfaceId? link = null, BabelAddress? peer = null, BabelPrefix source = default) =>
        Receive(w => w.TryAppend(_scratch.AsSpan(0, new RouteRequestTlv(prefix, source).Encode(_scratch))), link, peer);

    public ushort? SelectedMetric(RouteKey? key = null) => Speaker.TryGetSelected(key ?? Far, out RouteSnapshot route) ? route.Metric : null;

    public void Send(InterfaceId link, BabelAddress destination, ReadOnlySpan<byte> payload)
    {
        Assert.Equal(PacketStatus.Valid, PacketReader.TryOpen(payload, Self, out PacketReader reader));
        _packets++;
        for (TlvKind kind = reader.Read(); kind != TlvKind.End; kind = reader.Read())
        {
            Log.Add(new Sent(Now, link, destination, kind, reader.Hello, reader.Ihu, kind == TlvKind.Update ? reader.Update : default, reader.RouteRequest, reader.SeqnoRequest, reader.Ack, payload.Length)
            {
                Packet = _packets,
                HelloTimestamp = kind == TlvKind.Hello ? reader.HelloTimestamp : null,
                IhuTimestamp = kind == TlvKind.Ihu ? reader.IhuTimestamp : null,
            });
        }
    }

    public void RoutesChanged(ReadOnlySpan<RouteKey> routes) => Changes.AddRange(routes);

    public void Hello(PacketWriter writer, BabelAddress peer, ushort interval = 400)
    {
        ushort seqno = _hellos.GetValueOrDefault(peer);
        _hellos[peer] = (ushort)(seqno + 1);
        Assert.True(writer.TryAppend(_scratch.AsSpan(0, new HelloTlv(new Seqno(seqno), interval).Encode(_scratch))));
    }

    /// <summary>One TLV that was sent.</summary>
    internal readonly record struct Sent(
        TimeSpan At,
        InterfaceId Link,
        BabelAddress Destination,
        TlvKind Kind,
        HelloTlv Hello,
        IhuTlv Ihu,
        ReceivedUpdate Update,
        RouteRequestTlv RouteRequest,
        SeqnoRequestTlv SeqnoRequest,
        AckTlv Ack,
        int PacketLength)
    {
        /// <summary>TLVs of one packet have the same number.</summary>
        public int Packet { get; init; }

        public HelloTimestamp? HelloTimestamp { get; init; }

        public IhuTimestamp? IhuTimestamp { get; init; }
    }
}
