using System.Buffers;
using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using Mesh.Protocol.Addressing;

namespace Mesh.Protocol.Tunnel;

/// <summary>Where a node can be reached.</summary>
/// <param name="Prefix">The node.</param>
/// <param name="Addresses">Its addresses, as it told them; possibly none.</param>
public sealed record PeerAddressEntry(NodePrefix Prefix, AddressList Addresses);

/// <summary>Nodes that the sender knows, so that the receiver has others to connect to when the registry is away.</summary>
/// <remarks>
/// Payload, big-endian:
/// <code>
/// count u8, 0..64 | entries:
///     prefix length u8, 1..127 | prefix bits, ceil(length / 8) octets, left-aligned, zero-padded
///     | text length u16, at most 4096 | address list as text, UTF-8
/// </code>
/// </remarks>
/// <param name="Entries">At most 64, no node twice.</param>
public sealed record PeerAddresses(ImmutableArray<PeerAddressEntry> Entries)
{
    /// <summary>Kind of the frame.</summary>
    public const byte Kind = 4;

    /// <summary>The most entries of one message.</summary>
    public const int MaxEntries = 64;

    /// <summary>Reads the payload of a frame; false when any entry is malformed or a node is listed twice.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> payload, [NotNullWhen(true)] out PeerAddresses? addresses)
    {
        addresses = null;
        var reader = new WireReader(payload);
        if (!reader.TryReadByte(out byte count) || count > MaxEntries)
            return false;
        // An entry has 4 octets at least, so a count alone cannot make us allocate.
        if (reader.Remaining < count * 4)
            return false;
        var entries = ImmutableArray.CreateBuilder<PeerAddressEntry>(count);
        var seen = new HashSet<NodePrefix>();
        for (int index = 0; index < count; index++)
        {
            if (!TryReadPrefix(ref reader, out NodePrefix prefix) || !seen.Add(prefix)
                || !reader.TryReadUInt16(out ushort length)
                || !reader.TryReadBytes(length, out ReadOnlySpan<byte> text)
                || !AddressList.TryParse(text, out AddressList list, out _))
            {
                return false;
            }
            entries.Add(new PeerAddressEntry(prefix, list));
        }
        if (reader.Remaining > 0)
            return false;
        addresses = new PeerAddresses(entries.MoveToImmutable());
        return true;
    }

    /// <summary>Writes the whole frame.</summary>
    /// <exception cref="InvalidOperationException">There are more than 64 entries or one is listed twice: a bug on our side.</exception>
    /// <exception cref="OverflowException">The frame would be longer than 65535 octets.</exception>
    public void Encode(IBufferWriter<byte> output)
    {
        if (Entries.Length > MaxEntries || Entries.DistinctBy(static entry => entry.Prefix).Count() != Entries.Length)
            throw new InvalidOperationException($"A list of peers has at most {MaxEntries} entries and none twice.");
        byte[][] texts = [.. Entries.Select(static entry => Encoding.UTF8.GetBytes(entry.Addresses.ToString()))];
        int length = 1 + Entries.Sum(static entry => 1 + OctetsOf(entry.Prefix.Length) + sizeof(ushort)) + texts.Sum(static text => text.Length);

        var writer = new FrameWriter(output, Kind, length);
        writer.Write((byte)Entries.Length);
        Span<byte> octets = stackalloc byte[Ipv6Address.Length];
        for (int index = 0; index < texts.Length; index++)
        {
            NodePrefix prefix = Entries[index].Prefix;
            if (prefix.IsEmpty)
                throw new InvalidOperationException("The empty prefix is no node.");
            BinaryPrimitives.WriteUInt128BigEndian(octets, prefix.Value << (Ipv6Prefix.MaxLength - prefix.Length));
            writer.Write((byte)prefix.Length);
            writer.Write(octets[..OctetsOf(prefix.Length)]);
            writer.Write(checked((ushort)texts[index].Length));
            writer.Write(texts[index]);
        }
        writer.Complete();
    }

    /// <summary>Same entries in the same order.</summary>
    public bool Equals(PeerAddresses? other) => other is not null && Entries.SequenceEqual(other.Entries);

    /// <inheritdoc/>
    public override int GetHashCode() => Entries.Aggregate(Entries.Length, static (hash, entry) => (hash * 31) + entry.Prefix.GetHashCode());

    private static bool TryReadPrefix(ref WireReader reader, out NodePrefix prefix)
    {
        prefix = default;
        if (!reader.TryReadByte(out byte length) || length is 0 or > NodePrefix.MaxLength
            || !reader.TryReadBytes(OctetsOf(length), out ReadOnlySpan<byte> octets))
        {
            return false;
        }
        Span<byte> padded = stackalloc byte[Ipv6Address.Length];
        padded.Clear();
        octets.CopyTo(padded);
        UInt128 bits = BinaryPrimitives.ReadUInt128BigEndian(padded);
        if ((bits & ~Ipv6Prefix.Mask(length)) != UInt128.Zero)
            return false;
        prefix = new NodePrefix(bits >> (Ipv6Prefix.MaxLength - length), length);
        return true;
    }

    private static int OctetsOf(int bits) => (bits + 7) / 8;
}
