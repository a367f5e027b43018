using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;
using Mesh.Protocol.Addressing;

namespace Mesh.Protocol.Peer;

/// <summary>With whom a node has tunnels, as it says.</summary>
/// <remarks><code>N CN CN ...</code> as text, separated by blanks: N, then those to whom the node opened a tunnel, N of them, then those who opened one to it.</remarks>
/// <param name="Clients">To whom it opened a tunnel.</param>
/// <param name="Servers">Who opened a tunnel to it.</param>
public sealed record TopologyReport(ImmutableArray<NodePrefix> Clients, ImmutableArray<NodePrefix> Servers)
{
    /// <summary>The most tunnels that are read.</summary>
    public const int MaxTunnels = 2048;

    // A number and a length, or a number alone.
    private const int MaxItemLength = 39 + 1 + 3;

    /// <summary>Reads a report.</summary>
    /// <param name="payload">What the node sent.</param>
    /// <param name="reporter">The node; a report that names it among its own peers is refused.</param>
    /// <param name="network">Prefixes that have no room in it are refused, too: nodes of re6st do not survive a question about such a one.</param>
    /// <param name="report">The report.</param>
    /// <returns>False where it is not such a text, names fewer peers than it says or more than <see cref="MaxTunnels"/>.</returns>
    public static bool TryDecode(ReadOnlySpan<byte> payload, NodePrefix reporter, NetworkPrefix network, [NotNullWhen(true)] out TopologyReport? report)
    {
        report = null;
        if (payload.Length > (MaxTunnels + 1) * (MaxItemLength + 1) || !Ascii.IsValid(payload))
            return false;
        int expected = -1;
        ImmutableArray<NodePrefix>.Builder peers = ImmutableArray.CreateBuilder<NodePrefix>();
        Span<char> item = stackalloc char[MaxItemLength];
        foreach (Range range in payload.Split((byte)' '))
        {
            ReadOnlySpan<byte> octets = payload[range];
            if (octets.IsEmpty)
                continue;
            if (octets.Length > MaxItemLength)
                return false;
            int length = Encoding.ASCII.GetChars(octets, item);
            if (expected < 0)
            {
                if (!TryParseCount(item[..length], out expected))
                    return false;
            }
            else if (peers.Count == MaxTunnels || !NodePrefix.TryParseCommonName(item[..length], out NodePrefix peer) || peer == reporter || !peer.FitsIn(network))
            {
                return false;
            }
            else
            {
                peers.Add(peer);
            }
        }

        if (expected < 0 || expected > peers.Count)
            return false;
        ImmutableArray<NodePrefix> all = peers.ToImmutable();
        report = new TopologyReport(all[..expected], all[expected..]);
        return true;
    }

    /// <summary>The text, in ASCII.</summary>
    /// <exception cref="InvalidOperationException">There are more than <see cref="MaxTunnels"/> tunnels: a bug on our side.</exception>
    public byte[] Encode()
    {
        if (Clients.Length + Servers.Length > MaxTunnels)
            throw new InvalidOperationException($"A report names at most {MaxTunnels} tunnels.");
        string count = Clients.Length.ToString(CultureInfo.InvariantCulture);
        return Encoding.ASCII.GetBytes(string.Join(' ', (IEnumerable<string>)[count, .. Clients.Select(static peer => peer.CommonName), .. Servers.Select(static peer => peer.CommonName)]));
    }

    private static bool TryParseCount(ReadOnlySpan<char> text, out int count)
    {
        count = -1;
        return text.Length <= 4 && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out count) && count <= MaxTunnels;
    }
}
