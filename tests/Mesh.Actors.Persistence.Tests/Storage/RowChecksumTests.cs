using Mesh.Actors.Persistence.Storage;

namespace Mesh.Actors.Persistence.Tests.Storage;

public sealed class RowChecksumTests
{
    private const long Ticks = 638_000_000_000_000_000;

    [Fact]
    public void Has_the_golden_value()
    {
        uint ofStream = RowChecksum.OfStream(RowKind.Event, "registry/tokens"u8);
        Assert.Equal(0xBB43287Au, ofStream);
        Assert.Equal(0x21AF9C30u, RowChecksum.Of(ofStream, 7, 42, Ticks, 3, "test.happened"u8, "{\"x\":1}"u8));
    }

    [Fact]
    public void Every_flipped_bit_of_a_payload_changes_it()
    {
        uint ofStream = RowChecksum.OfStream(RowKind.Snapshot, "a"u8);
        byte[] payload = [.. Enumerable.Range(0, 100).Select(i => (byte)(i * 7))];
        uint intact = RowChecksum.Of(ofStream, 7, 1, Ticks, 1, "t"u8, payload);
        for (int bit = 0; bit < payload.Length * 8; bit++)
        {
            payload[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.NotEqual(intact, RowChecksum.Of(ofStream, 7, 1, Ticks, 1, "t"u8, payload));
            payload[bit / 8] ^= (byte)(1 << (bit % 8));
        }
    }

    [Fact]
    public void Kind_and_borders_between_columns_count()
    {
        uint ofStream = RowChecksum.OfStream(RowKind.Event, "a"u8);
        Assert.NotEqual(ofStream, RowChecksum.OfStream(RowKind.Snapshot, "a"u8));
        Assert.NotEqual(RowChecksum.Of(ofStream, 7, 1, Ticks, 1, "ab"u8, "c"u8), RowChecksum.Of(ofStream, 7, 1, Ticks, 1, "a"u8, "bc"u8));
    }
}
