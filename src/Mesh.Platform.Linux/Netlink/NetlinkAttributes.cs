using System.Runtime.InteropServices;

namespace Mesh.Platform.Linux.Netlink;

/// <summary>Finds the attributes of a netlink message.</summary>
internal static class NetlinkAttributes
{
    private const int HeaderLength = 4;
    private const ushort TypeMask = 0x3fff;   // the upper two bits are flags

    /// <summary>Type and place of each attribute of <paramref name="body"/> from <paramref name="offset"/> on; stops at one that is not whole.</summary>
    public static List<(ushort Type, Range Value)> Of(ReadOnlySpan<byte> body, int offset)
    {
        var found = new List<(ushort, Range)>();
        while (offset + HeaderLength <= body.Length)
        {
            int length = MemoryMarshal.Read<ushort>(body[offset..]);
            if (length < HeaderLength || offset + length > body.Length)
                break;
            found.Add(((ushort)(MemoryMarshal.Read<ushort>(body[(offset + 2)..]) & TypeMask), (offset + HeaderLength)..(offset + length)));
            offset += NetlinkRequest.Align(length);
        }
        return found;
    }
}
