using System.Buffers.Binary;

namespace Mesh.Babel.Mac;

/// <summary>What is known of the packets of one address on one interface (RFC 8967 section 3.2, RFC 9467 section 3). Made only when a MAC of that address was good.</summary>
/// <remarks>
/// It is not a part of the neighbour: it is there before a neighbour is believed to be one, and it outlives a neighbour that only went silent, which then need
/// not be challenged again.
/// </remarks>
internal sealed class MacPeer(BabelAddress address)
{
    /// <summary>Octets of our nonces.</summary>
    public const int NonceLength = sizeof(ulong);

    /// <summary>Between two challenges to one peer, and between two answers (sections 4.3.1.1, 4.3.1.2): what replayed packets can make us send.</summary>
    public static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(300);

    /// <summary>How long a challenge can be answered (section 4.3.1.1).</summary>
    public static readonly TimeSpan ChallengeLifetime = TimeSpan.FromSeconds(30);

    /// <summary>How long index and counters are remembered after the last packet that was accepted (section 4.4), or as long as there is a neighbour.</summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(5);

    /// <summary>How long it is remembered that this address was a member's once, so that it can be asked again when our keys change.</summary>
    public static readonly TimeSpan Memory = TimeSpan.FromHours(1);

    private byte[]? _index;
    private ReplayWindow _multicast;
    private ReplayWindow _unicast;
    private TimeSpan? _lastAccepted;
    private ulong _nonce;
    private TimeSpan _challengeEnd = TimeSpan.MinValue;
    private TimeSpan _nextChallenge = TimeSpan.MinValue;
    private TimeSpan _nextReply = TimeSpan.MinValue;

    /// <summary>Its link-local address.</summary>
    public BabelAddress Address { get; } = address;

    /// <summary>Whether it has ever shown that, and with which index is remembered.</summary>
    public bool HasIndex => _index is not null;

    /// <summary>Whether it has shown that its packets with this index are of today.</summary>
    public bool Knows(ReadOnlySpan<byte> index) => _index is { } known && index.SequenceEqual(known);

    /// <summary>Whether a packet with the known index came before, or comes too late.</summary>
    public bool IsOld(uint counter, bool isUnicast) => isUnicast ? _unicast.IsOld(counter) : _multicast.IsOld(counter);

    /// <summary>A packet with the known index is accepted.</summary>
    public void Accept(uint counter, bool isUnicast, TimeSpan now)
    {
        // Each kind has its own order (9467 section 3.1): a queue for multicast delays those packets, and only those, for longer than any window.
        if (isUnicast)
            _unicast.Accept(counter);
        else
            _multicast.Accept(counter);
        _lastAccepted = now;
    }

    /// <summary>Whether this is the answer to a challenge that is not over (section 4.3.1.3).</summary>
    public bool IsAnsweredBy(ReadOnlySpan<byte> nonce, TimeSpan now) =>
        now < _challengeEnd && nonce.Length == NonceLength && BinaryPrimitives.ReadUInt64BigEndian(nonce) == _nonce;

    /// <summary>The challenge has been answered by a packet with this index and number. The nonce is of no use any more.</summary>
    public void Pass(ReadOnlySpan<byte> index, uint counter, bool isUnicast, TimeSpan now)
    {
        _challengeEnd = TimeSpan.MinValue;
        if (!Knows(index))
        {
            _index = index.ToArray();
            (_multicast, _unicast) = (new ReplayWindow(counter), new ReplayWindow(counter));
            _lastAccepted = now;
        }
        else if (!IsOld(counter, isUnicast))
        {
            // It was challenged because somebody played a packet of an earlier run. Its answer may have been overtaken by packets that were accepted:
            // to begin at its number again would let those in a second time.
            Accept(counter, isUnicast, now);
        }
    }

    /// <summary>Begins a challenge, or repeats the one that is not over.</summary>
    /// <returns>False where it is too soon after the last one.</returns>
    /// <remarks>
    /// A repetition has the nonce of the first: with a new one each time, a peer that keeps talking over a path of more than <see cref="Pause"/> there and
    /// back would always answer the one before. It does not live longer for it, so an answer is never older than <see cref="ChallengeLifetime"/>.
    /// </remarks>
    public bool TryChallenge(Func<ulong> random, TimeSpan now, Span<byte> nonce)
    {
        if (now < _nextChallenge)
            return false;
        if (now >= _challengeEnd)
            (_nonce, _challengeEnd) = (random(), now + ChallengeLifetime);
        _nextChallenge = now + Pause;
        BinaryPrimitives.WriteUInt64BigEndian(nonce, _nonce);
        return true;
    }

    /// <summary>Whether a challenge of this peer may be answered now; it counts as answered then.</summary>
    public bool TryReply(TimeSpan now)
    {
        if (now < _nextReply)
            return false;
        _nextReply = now + Pause;
        return true;
    }

    /// <summary>Whether no packet has been accepted for so long that index and counters need a neighbour to be kept.</summary>
    public bool IsIdle(TimeSpan now) => _index is null || now >= _lastAccepted + Lifetime;

    /// <summary>It is idle and no neighbour: forgets index and counters. A challenge without answer does not keep them.</summary>
    /// <returns>Whether nothing is left that has to be remembered.</returns>
    public bool Expire(TimeSpan now)
    {
        _index = null;
        return now >= _challengeEnd && now >= _nextChallenge && now >= _nextReply && (_lastAccepted is not { } last || now >= last + Memory);
    }
}
