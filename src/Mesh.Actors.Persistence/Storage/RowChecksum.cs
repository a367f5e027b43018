using System.Buffers.Binary;
using System.Numerics;

namespace Mesh.Actors.Persistence.Storage;

/// <summary>CRC-32C (RFC 3720, appendix B.4) of a row, to notice what the disk or a person changed. It does not resist somebody who means to deceive.</summary>
/// <remarks>Over, all little-endian: kind u8 | name of the stream, UTF-8, and its length u32 | era i64 | sequence number i64 | UTC ticks i64 | version i32 |
/// length of the type u32 | type, UTF-8 | payload. Lengths keep a byte from moving from one column to the next unnoticed. The era is 0 where the store has none. Part of the format of files and tables: a change needs a new schema version.</remarks>
internal static class RowChecksum
{
    /// <summary>The state after the part that all rows of a stream share.</summary>
    public static uint OfStream(RowKind kind, ReadOnlySpan<byte> name) =>
        BitOperations.Crc32C(Add(BitOperations.Crc32C(uint.MaxValue, (byte)kind), name), (uint)name.Length);

    /// <summary>The checksum of one row, given what <see cref="OfStream"/> returned.</summary>
    public static uint Of(uint ofStream, long era, long sequenceNr, long utcTicks, int version, ReadOnlySpan<byte> type, ReadOnlySpan<byte> payload)
    {
        uint crc = BitOperations.Crc32C(ofStream, (ulong)era);
        crc = BitOperations.Crc32C(crc, (ulong)sequenceNr);
        crc = BitOperations.Crc32C(crc, (ulong)utcTicks);
        crc = BitOperations.Crc32C(crc, (uint)version);
        crc = BitOperations.Crc32C(crc, (uint)type.Length);
        return ~Add(Add(crc, type), payload);
    }

    private static uint Add(uint crc, ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length >= sizeof(ulong))
        {
            crc = BitOperations.Crc32C(crc, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
            bytes = bytes[sizeof(ulong)..];
        }

        foreach (byte b in bytes)
            crc = BitOperations.Crc32C(crc, b);
        return crc;
    }
}

/// <summary>Which table a row is in.</summary>
internal enum RowKind : byte
{
    Event = 1,
    Snapshot = 2,
}
