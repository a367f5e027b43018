using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Unicode;
using Mesh.Protocol.Addressing;

namespace Mesh.Protocol.Registry;

/// <summary>Answer of <see cref="RegistryMethod.GetBootstrapPeer"/>, once decrypted: a node and where to reach it.</summary>
/// <remarks><code>prefix as bits | one blank | address list</code></remarks>
/// <param name="Prefix">The node.</param>
/// <param name="Addresses">Its addresses.</param>
public sealed record BootstrapPeer(NodePrefix Prefix, AddressList Addresses)
{
    /// <summary>Reads the answer; false when it has no blank, the prefix is not binary or the text is not an address list.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> answer, [NotNullWhen(true)] out BootstrapPeer? peer)
    {
        peer = null;
        int blank = answer.IndexOf((byte)' ');
        if (blank < 0 || !Utf8.IsValid(answer)
            || !NodePrefix.TryParseBits(Encoding.UTF8.GetString(answer[..blank]), out NodePrefix prefix)
            || !AddressList.TryParse(answer[(blank + 1)..], out AddressList addresses, out _))
        {
            return false;
        }
        peer = new BootstrapPeer(prefix, addresses);
        return true;
    }

    /// <summary>The octets to encrypt, with as many addresses as fit.</summary>
    /// <param name="maxLength">What one encryption holds; the addresses that the node likes least are left out.</param>
    public byte[] Encode(int maxLength)
    {
        var text = new StringBuilder(Prefix.Bits).Append(' ');
        string separator = "";
        foreach (AdvertisedAddress address in Addresses)
        {
            string item = separator + address;
            // Addresses are ASCII, so characters are octets.
            if (text.Length + item.Length > maxLength)
                break;
            _ = text.Append(item);
            separator = ";";
        }
        return Encoding.ASCII.GetBytes(text.ToString());
    }
}
