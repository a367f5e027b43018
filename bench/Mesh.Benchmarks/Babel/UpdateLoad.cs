using Mesh.Actors;
using Mesh.Babel;
using Mesh.Babel.Wire;

namespace Mesh.Benchmarks.Babel;

/// <summary>A speaker with neighbours on tunnels of their own, each of which announces the same prefixes again and again, as it does every 16 s.</summary>
/// <remarks>
/// As between nodes, each prefix is a /64 of a router of its own, so that a Router-Id stands before each Update; a packet holds what a tunnel of MTU 1500 lets it. Neighbours offer different
/// metrics: about one in five of them is closer to a router than we are, the routes of the others are not feasible.
/// </remarks>
internal sealed class UpdateLoad : IBabelOutput
{
    private const ushort LongCentiseconds = 60_000, UpdateCentiseconds = 1600, LinkCost = 96;
    private const ulong FirstPrefix = 0x2001_0db8_0000_0000, FirstRouter = 0x0200_0000_0000_0000;
    private const int PayloadLimit = 1452, Distances = 5;
    private static readonly TimeSpan UpdateInterval = TimeSpan.FromSeconds(16);
    private static readonly BabelAddress Self = BabelAddress.Parse("fe80::1");

    private readonly BabelSpeaker _speaker;
    private readonly byte[][][] _dumps;   // by neighbour
    private readonly int _prefixes;
    private readonly PacketWriter _writer = new();
    private readonly byte[] _scratch = new byte[64];
    private TimeSpan _now;
    private ushort _hello;

    /// <summary>Makes a speaker that knows its neighbours and no route yet.</summary>
    public UpdateLoad(int prefixes, int neighbours)
    {
        _prefixes = prefixes;
        _speaker = new BabelSpeaker(new RouterId(1), new BabelOptions(), new DeterministicRandom(1).NextUInt64, this, _writer);
        var packets = new PacketWriter();
        _dumps = [.. Enumerable.Range(0, neighbours).Select(neighbour => Dump(packets, neighbour))];
        for (int neighbour = 0; neighbour < neighbours; neighbour++)
        {
            // Our own Hellos and updates are few: they are not what is measured.
            _speaker.AddInterface(LinkOf(neighbour), new InterfaceParameters { Address = Self, HelloInterval = TimeSpan.FromSeconds(150), UpdateInterval = TimeSpan.FromSeconds(600) }, _now);
        }

        for (int i = 0; i < 3; i++)
            Greet(packets);
    }

    /// <summary>Times that the speaker said that a route is another.</summary>
    public int Changes { get; private set; }

    /// <summary>Updates in one dump of every neighbour.</summary>
    public int UpdatesPerRound => _prefixes * _dumps.Length;

    /// <summary>Routes that the speaker knows.</summary>
    public int Routes => _speaker.Sizes.Routes;

    /// <summary>Each neighbour sends its whole table. Our own timers are served in between, which is not measured.</summary>
    /// <returns>Seconds that the speaker took for the packets.</returns>
    public double Round(BenchmarkOptions options)
    {
        Greet(new PacketWriter());
        double seconds = 0;
        for (int neighbour = 0; neighbour < _dumps.Length; neighbour++)
        {
            Advance(UpdateInterval / _dumps.Length);
            BabelAddress address = AddressOf(neighbour);
            InterfaceId link = LinkOf(neighbour);
            Watch watch = Watch.Start(options);
            foreach (byte[] packet in _dumps[neighbour])
                _speaker.Receive(link, address, packet, _now);
            seconds += watch.Seconds;
        }

        return seconds;
    }

    void IBabelOutput.Send(InterfaceId link, BabelAddress destination, ReadOnlySpan<byte> payload)
    {
    }

    void IBabelOutput.RoutesChanged(ReadOnlySpan<RouteKey> routes) => Changes += routes.Length;

    private static InterfaceId LinkOf(int neighbour) => new(neighbour + 1);

    private static BabelAddress AddressOf(int neighbour) => new(new UInt128(0xFE80_0000_0000_0000, (ulong)neighbour + 2));

    private void Advance(TimeSpan duration)
    {
        TimeSpan end = _now + duration;
        while (_speaker.NextDeadline <= end)
        {
            _now = _speaker.NextDeadline > _now ? _speaker.NextDeadline : _now;
            _speaker.Tick(_now);
        }

        _now = end;
    }

    // The links are good and stay so: what is promised lasts for minutes.
    private void Greet(PacketWriter writer)
    {
        for (int neighbour = 0; neighbour < _dumps.Length; neighbour++)
        {
            writer.Begin(PayloadLimit);
            _ = writer.TryAppend(_scratch.AsSpan(0, new HelloTlv(new Seqno(_hello), LongCentiseconds).Encode(_scratch)));
            _ = writer.TryAppend(_scratch.AsSpan(0, new IhuTlv(AddressEncoding.Wildcard, LinkCost, LongCentiseconds, default).Encode(_scratch)));
            _speaker.Receive(LinkOf(neighbour), AddressOf(neighbour), writer.Finish(), _now);
        }

        _hello++;
    }

    private byte[][] Dump(PacketWriter writer, int neighbour)
    {
        var packets = new List<byte[]>();
        writer.Begin(PayloadLimit);
        for (int prefix = 0; prefix < _prefixes; prefix++)
        {
            int distance = 1 + ((prefix + neighbour) % Distances);
            var update = new OutgoingUpdate(
                BabelPrefix.Create(new UInt128(FirstPrefix + (ulong)prefix, 0), 64), new RouterId(FirstRouter + (ulong)prefix), new Seqno(7), (ushort)(distance * LinkCost), UpdateCentiseconds);
            if (writer.TryAppend(update))
                continue;
            packets.Add(writer.Finish().ToArray());
            writer.Begin(PayloadLimit);
            if (!writer.TryAppend(update))
                throw new InvalidOperationException("an update does not fit into a packet of its own");
        }

        packets.Add(writer.Finish().ToArray());
        return [.. packets];
    }
}
