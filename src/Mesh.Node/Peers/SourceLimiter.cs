using Mesh.DataPlane;
using Mesh.Protocol.Addressing;

namespace Mesh.Node.Peers;

/// <summary>Limits how often something is done for one source address, in fixed space.</summary>
/// <remarks>Sources are told by a keyed hash of the first 64 bits of their address, so that nobody can choose with whom to share a slot; those that do share one share its limit.</remarks>
internal sealed class SourceLimiter
{
    private const int Slots = 1024;

    private readonly TokenBucket?[] _buckets = new TokenBucket?[Slots];   // most are never needed
    private readonly int _perSecond;
    private readonly int _burst;
    private readonly ulong _key;

    /// <summary>A limiter.</summary>
    /// <param name="perSecond">How often in the long run.</param>
    /// <param name="burst">How often at once after a quiet time.</param>
    /// <param name="key">Random.</param>
    public SourceLimiter(int perSecond, int burst, ulong key) => (_perSecond, _burst, _key) = (perSecond, burst, key);

    /// <summary>Whether it may be done once more now.</summary>
    public bool TryTake(Ipv6Address source, TimeSpan now)
    {
        ulong mixed = (source.Upper ^ _key) * 0x9E37_79B9_7F4A_7C15UL;
        mixed ^= mixed >> 32;
        mixed *= 0xD6E8_FEB8_6659_FD93UL;
        ref TokenBucket? bucket = ref _buckets[(int)(mixed >> 54)];
        bucket ??= new TokenBucket(_perSecond, _burst);
        return bucket.TryTake(now);
    }
}
