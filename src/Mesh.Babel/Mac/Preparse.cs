using Mesh.Babel.Wire;

namespace Mesh.Babel.Mac;

/// <summary>What the body of a packet says about the packet itself, found before anything else of it is looked at (RFC 8967 section 4.3).</summary>
internal readonly ref struct Preparse
{
    /// <summary>Looks for the TLVs that count.</summary>
    /// <param name="body">The body.</param>
    /// <param name="peer">The sender, where it is known: an answer counts if it is the one that is awaited from it.</param>
    /// <param name="now">Monotonic time.</param>
    public Preparse(ReadOnlySpan<byte> body, MacPeer? peer, TimeSpan now)
    {
        var walker = new TlvWalker(body);
        while (walker.MoveNext())
        {
            switch (walker.Type)
            {
                case PacketCounterTlv.Type when !HasCounter && PacketCounterTlv.TryDecode(walker.Body, out PacketCounterTlv counter):
                    HasCounter = true;   // the first one counts
                    Counter = counter.Counter;
                    Index = counter.Index;
                    break;
                case ChallengeRequestTlv.Type when ChallengeRequestTlv.TryDecode(walker.Body, out ChallengeRequestTlv challenge):
                    HasChallenge = true;   // the last one is answered
                    Nonce = challenge.Nonce;
                    break;
                case ChallengeReplyTlv.Type when ChallengeReplyTlv.TryDecode(walker.Body, out ChallengeReplyTlv reply):
                    HasReply = true;
                    HasGoodReply |= peer?.IsAnsweredBy(reply.Nonce, now) ?? false;
                    break;
            }
        }
    }

    /// <summary>Whether there is a PC TLV.</summary>
    public bool HasCounter { get; }

    /// <summary>Its number.</summary>
    public uint Counter { get; }

    /// <summary>Its index, 0..32 octets.</summary>
    public ReadOnlySpan<byte> Index { get; }

    /// <summary>Whether there is a Challenge Request.</summary>
    public bool HasChallenge { get; }

    /// <summary>Its nonce, 0..192 octets.</summary>
    public ReadOnlySpan<byte> Nonce { get; }

    /// <summary>Whether there is a Challenge Reply at all.</summary>
    public bool HasReply { get; }

    /// <summary>Whether there is the one that is awaited.</summary>
    public bool HasGoodReply { get; }
}
