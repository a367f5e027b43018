using Mesh.Actors;

namespace Mesh.Fuzz.Tests.Harness;

/// <summary>ASN.1 in DER as a tree, to change a part of it and have right lengths around it (X.690 section 8.1).</summary>
internal sealed class DerTree
{
    private const int MaxDepth = 16;
    private const byte BitString = 3, UtcTime = 0x17, GeneralizedTime = 0x18, Constructed = 0x20;

    private static readonly string[] Times = ["00010101000000Z", "00010101000001Z", "19500101000000Z", "20491231235959Z", "20500101000000Z", "20260101000000Z", "20260102000000Z", "99991231235959Z", "20240229000000Z", "20230229000000Z"];

    private byte _tag;
    private byte[] _content = [];      // of a leaf; of a bit string with a tree in it, its first octet
    private List<DerTree>? _children;

    /// <summary>Reads one value, which may be followed by others; null if it is none.</summary>
    public static DerTree? Parse(ReadOnlySpan<byte> octets, out int consumed, int depth = 0)
    {
        consumed = 0;
        if (octets.Length < 2 || depth > MaxDepth || (octets[0] & 0x1F) == 0x1F)
            return null;
        (int length, int at) = (octets[1], 2);
        if (length > 0x80)
        {
            int count = length & 0x7F;
            if (count > 3 || octets.Length < 2 + count)
                return null;
            for (length = 0; count > 0; count--)
                length = (length << 8) | octets[at++];
        }
        else if (length == 0x80)
        {
            return null;
        }

        if (octets.Length - at < length)
            return null;
        ReadOnlySpan<byte> content = octets.Slice(at, length);
        consumed = at + length;
        var tree = new DerTree { _tag = octets[0] };
        if ((octets[0] & Constructed) != 0)
            tree._children = ParseAll(content, depth);
        else if (octets[0] == BitString && content.Length > 2 && content[0] == 0 && ParseAll(content[1..], depth) is { Count: > 0 } inner)
            (tree._content, tree._children) = ([0], inner);
        if (tree._children is null)
            tree._content = content.ToArray();
        return tree;
    }

    /// <summary>A copy of some octets in which one part of the tree is another; the octets as they are if they are no tree.</summary>
    public static byte[] Mutate(DeterministicRandom random, byte[] octets)
    {
        if (Parse(octets, out int consumed) is not { } root)
            return octets;
        for (int changes = random.Next(1, 4); changes > 0; changes--)
            root.Change(random);
        return [.. root.Encode(), .. octets.AsSpan(consumed)];
    }

    /// <summary>The values directly in it, encoded.</summary>
    public IReadOnlyList<byte[]> Parts => [.. (_children ?? []).Select(static child => child.Encode())];

    /// <summary>A value of parts that are encoded already.</summary>
    public static byte[] Encode(byte tag, params IEnumerable<byte[]> parts)
    {
        byte[] content = [.. parts.SelectMany(static part => part)];
        byte[] length = content.Length switch
        {
            < 0x80 => [(byte)content.Length],
            < 0x100 => [0x81, (byte)content.Length],
            < 0x1_0000 => [0x82, (byte)(content.Length >> 8), (byte)content.Length],
            _ => [0x83, (byte)(content.Length >> 16), (byte)(content.Length >> 8), (byte)content.Length],
        };
        return [tag, .. length, .. content];
    }

    private byte[] Encode() => Encode(_tag, [_content, .. Parts]);

    private static List<DerTree>? ParseAll(ReadOnlySpan<byte> content, int depth)
    {
        var children = new List<DerTree>();
        while (!content.IsEmpty)
        {
            if (Parse(content, out int consumed, depth + 1) is not { } child)
                return null;
            children.Add(child);
            content = content[consumed..];
        }

        return children;
    }

    private void Change(DeterministicRandom random)
    {
        List<(DerTree Parent, int Index)> places = [.. Places()];
        if (places.Count == 0)
            return;
        (DerTree parent, int index) = places[random.Next(places.Count)];
        DerTree chosen = parent._children![index];
        (DerTree otherParent, int otherIndex) = places[random.Next(places.Count)];
        switch (random.Next(8))
        {
            case 0:
                parent._children.RemoveAt(index);
                break;
            case 1:
                parent._children.Insert(index, chosen.Copy());
                break;
            case 2:
                parent._children[index] = otherParent._children![otherIndex].Copy();
                break;
            case 3:
                chosen._tag = random.Next(2) == 0 ? (byte)random.Next(256) : (byte)(chosen._tag ^ (1 << random.Next(8)));
                break;
            default:
                (places.Find(place => random.Next(8) == 0 && place.Parent._children![place.Index]._tag is UtcTime or GeneralizedTime) is { Parent: { } at } found ? at._children![found.Index] : chosen).ChangeContent(random);
                break;
        }
    }

    private void ChangeContent(DeterministicRandom random)
    {
        byte[] content = _children is null ? _content : [.. Parts.SelectMany(static part => part)];
        // Random octets are hardly ever a time, and the last and the first ones are those that calculations go wrong with.
        if (_tag is UtcTime or GeneralizedTime && random.Next(4) != 0)
            (_tag, content) = (GeneralizedTime, System.Text.Encoding.ASCII.GetBytes(Times[random.Next(Times.Length)]));
        else
            content = new Mutator(random, [], maxLength: 4096).Mutate(content, content);
        (_content, _children) = (content, null);
    }

    private DerTree Copy() => Parse(Encode(), out _) ?? new DerTree { _tag = _tag, _content = _content };

    private IEnumerable<(DerTree Parent, int Index)> Places()
    {
        for (int index = 0; index < (_children?.Count ?? 0); index++)
        {
            yield return (this, index);
            foreach ((DerTree, int) below in _children![index].Places())
                yield return below;
        }
    }
}
