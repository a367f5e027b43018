using System.Net;
using Mesh.Protocol.Addressing;
using Mesh.Simulation.Ranks;
using Mesh.Simulation.Underlay;

namespace Mesh.Simulation.Tests.Ranks;

public sealed class RankMessageTests
{
    private static readonly Packet Sample = new(
        PacketProtocol.Tcp, new IPEndPoint(IPAddress.Parse("198.18.0.1"), 1326), new IPEndPoint(IPAddress.Parse("3fff::1"), 65535), new byte[] { 1, 2, 3 });

    [Fact]
    public void What_is_written_is_read()
    {
        var writer = new RankWriter();
        writer.Wide(UInt128.MaxValue - 5);
        writer.Prefix(new NodePrefix(5, 7));
        writer.Maybe("a text", writer.Text);
        writer.Maybe((string?)null, writer.Text);
        writer.Maybe((TimeSpan?)TimeSpan.FromSeconds(-1), writer.Time);
        writer.List([1L, long.MinValue], writer.Long);
        writer.Instant(new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero));
        Sample.Write(writer);
        var reader = new RankReader(writer.Written, from: 3);
        Assert.Equal(UInt128.MaxValue - 5, reader.Wide());
        Assert.Equal(new NodePrefix(5, 7), reader.Prefix());
        Assert.Equal(("a text", null), (reader.Maybe(reader.Text), reader.Maybe(reader.Text)));
        Assert.Equal(TimeSpan.FromSeconds(-1), reader.MaybeValue(reader.Time));
        Assert.Equal([1L, long.MinValue], reader.List(reader.Long));
        Assert.Equal(new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero), reader.Instant());
        Packet packet = Packet.Read(reader);
        Assert.Equal((Sample.Protocol, Sample.Source, Sample.Destination), (packet.Protocol, packet.Source, packet.Destination));
        Assert.Equal(Sample.Payload.ToArray(), packet.Payload.ToArray());
        Assert.Equal(0, reader.Left);
    }

    [Fact]
    public void A_message_that_is_cut_off_anywhere_is_an_error_that_names_its_sender()
    {
        var writer = new RankWriter();
        Sample.Write(writer);
        for (int length = 0; length < writer.Written.Length; length++)
        {
            var reader = new RankReader(writer.Written[..length], from: 3);
            Assert.Contains("rank 3", Assert.Throws<InvalidDataException>(() => Packet.Read(reader)).Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Numbers_that_cannot_be_are_errors_and_no_memory_is_taken_for_them()
    {
        static RankReader Of(params byte[] octets) => new(octets, from: 1);
        Assert.Throws<InvalidDataException>(() => Of(2).Bool());
        Assert.Throws<InvalidDataException>(() => Of(255, 255, 255, 127).List(static () => 0));
        Assert.Throws<InvalidDataException>(() => Of(255, 255, 255, 255).Octets().Length);
        Assert.Throws<InvalidDataException>(() => Of(5, 1, 2, 3, 4, 5, 0, 0).EndPoint());
        Assert.Throws<InvalidDataException>(() => Of(255, 255, 255, 255, 255, 255, 255, 127).Instant());
        Assert.Throws<InvalidDataException>(() => Of().Member<PacketProtocol>(77));
    }
}
