using Mesh.DataPlane.Packets;

namespace Mesh.DataPlane.PathMtu;

/// <summary>Finds the longest packet that a path carries, by probing (Datagram PLPMTUD, RFC 8899), without depending on what routers say.</summary>
/// <remarks>
/// <para>It knows no clock: whoever uses it sends probes of <see cref="ProbeLength"/>, says which came back, and says when one counts as lost although others passed.</para>
/// <para>The longest length is tried first, since most paths carry it, then the shortest that IPv6 allows, then lengths between the two. Where nothing is left to
/// search, probes of the found length confirm it: without an answer the path has changed and the search begins again from below.</para>
/// </remarks>
public sealed class PathMtuSearch
{
    private const int Resolution = 8;   // closer is not worth a probe
    private int _tooLong;

    /// <summary>A search that knows nothing about its path.</summary>
    /// <param name="max">The longest length that is of use, octets; at least 1280.</param>
    public PathMtuSearch(int max)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(max, Min);
        Max = max;
        _tooLong = max + 1;
        ProbeLength = max;
    }

    /// <summary>The shortest length of use: what every link of an IPv6 network carries (RFC 8200 section 5).</summary>
    public static int Min => Ipv6Header.MinimumMtu;

    /// <summary>The longest length that is of use, octets.</summary>
    public int Max { get; }

    /// <summary>The longest length that has come back, octets; null where none has.</summary>
    public int? Mtu { get; private set; }

    /// <summary>The length of the next probe, octets.</summary>
    public int ProbeLength { get; private set; }

    /// <summary>Whether longer ones than <see cref="Mtu"/> are still to be tried; else probes only confirm it.</summary>
    public bool IsSearching => Mtu is not { } mtu || ProbeLength > mtu;

    /// <summary>Whether the path does not even carry <see cref="Min"/>.</summary>
    public bool IsTooNarrow { get; private set; }

    /// <summary>A probe came back.</summary>
    /// <returns>Whether <see cref="Mtu"/> has changed.</returns>
    public bool Passed(int length)
    {
        if (length < Min || length > Max || length <= (Mtu ?? 0))
            return false;
        IsTooNarrow = false;
        Mtu = length;
        _tooLong = Math.Max(_tooLong, length + 1);   // it was taken for too long because it had been lost by chance
        Next();
        return true;
    }

    /// <summary>Probes of this length do not come back while shorter ones do.</summary>
    /// <returns>Whether <see cref="Mtu"/> has changed.</returns>
    public bool Lost(int length)
    {
        if (length != ProbeLength)
            return false;   // the search has gone on meanwhile
        if (length <= Min)
        {
            bool wasUsed = Mtu is not null;
            (Mtu, IsTooNarrow, ProbeLength) = (null, true, Min);
            return wasUsed;
        }
        _tooLong = Math.Min(_tooLong, length);
        if (IsSearching)
        {
            Next();
            return false;
        }
        // What had passed does not any more: short packets are likely to, and the search goes on from there.
        Mtu = Min;
        Next();
        return true;
    }

    /// <summary>The path may have got wider: longer lengths are tried again.</summary>
    public void Raise()
    {
        _tooLong = Max + 1;
        ProbeLength = Max;
    }

    private void Next()
    {
        if (Mtu is not { } mtu)
            ProbeLength = Min;
        else if (_tooLong == Max + 1)
            ProbeLength = Max;
        else if (_tooLong - mtu <= Resolution)
            ProbeLength = mtu;
        else
            ProbeLength = mtu + ((_tooLong - mtu) / 2);
    }
}
