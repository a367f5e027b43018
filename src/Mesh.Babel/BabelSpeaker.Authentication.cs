using Mesh.Babel.Mac;
using Mesh.Babel.Neighbours;
using Mesh.Babel.Wire;

namespace Mesh.Babel;

/// <content>Authentication of packets (RFC 8967, 9467).</content>
public sealed partial class BabelSpeaker
{
    /// <summary>Changes the keys of an interface. The next packet is signed with the new ones; neighbours, routes and packet counters stay as they are.</summary>
    /// <param name="id">The interface.</param>
    /// <param name="keys">The new keys; <see cref="MacKeys.None"/> ends authentication.</param>
    /// <param name="now">Monotonic time.</param>
    /// <returns>False where there is no such interface.</returns>
    /// <remarks>
    /// A Hello leaves at once, so that peers which understand us only from now on need not wait for it, and peers that we understand only from now on are
    /// challenged. A peer that shares no key with us any more is lost when its Hellos have been missing for long enough.
    /// </remarks>
    public bool SetKeys(InterfaceId id, MacKeys keys, TimeSpan now)
    {
        if (FindInterface(id) is not { } link)
            return false;
        if (keys.Equals(link.Parameters.Keys))
            return true;
        BeginInput(now);
        link.SetKeys(keys, _random);
        SendHello(link);
        if (link.Authenticator is { } mac)
            ProbeLost(link, mac);
        EndInput();
        return true;
    }

    /// <summary>Challenges those that we knew and do not hear any more. Who can answer has our keys now, says Hello after the answer, and needs our Hellos.</summary>
    private void ProbeLost(BabelInterface link, Authenticator mac)
    {
        Span<byte> nonce = stackalloc byte[MacPeer.NonceLength];
        Span<byte> tlv = stackalloc byte[2 + MacPeer.NonceLength];
        foreach (MacPeer peer in mac.Peers)
        {
            if (link.Find(peer.Address) is { RxCost: not Metric.Infinity } || !peer.TryChallenge(_random, _now, nonce))
                continue;
            BeginPacket(link);
            _ = _writer.TryAppend(tlv[..new ChallengeRequestTlv(nonce).Encode(tlv)]);
            Emit(link, peer.Address);
            Count(BabelCounter.ChallengesSent);
            WantBurst(link);
        }
    }

    /// <summary>Decides whether a packet may be acted upon (RFC 8967 section 4.3). Nothing is known of its sender, and nothing made for it, before its MAC is good.</summary>
    private Admission Admit(BabelInterface link, BabelAddress source, BabelAddress? destination, ReadOnlySpan<byte> packet)
    {
        if (link.Authenticator is not { } mac)
            return Admission.Unchecked;
        int end = PacketReader.LengthWithoutTrailer(packet);
        MacMatch match = mac.Verify(source, destination, link.Parameters.Address, packet[..end], packet[end..]);
        if (match is MacMatch.Missing or MacMatch.Wrong)
            return Refuse(mac, match == MacMatch.Missing ? BabelCounter.MissingMac : BabelCounter.WrongMac);

        MacPeer? peer = mac.Find(source);
        var found = new Preparse(packet[PacketReader.HeaderLength..end], peer, _now);
        if (found.HasReply && !found.HasGoodReply)
            Count(BabelCounter.ChallengesFailed);
        bool isUnicast = match == MacMatch.Unicast;
        bool isKnown = found.HasCounter && peer is not null && peer.Knows(found.Index);
        bool isPassed = found is { HasCounter: true, HasGoodReply: true };
        bool isOld = isKnown && !isPassed && peer!.IsOld(found.Counter, isUnicast);
        Challenge(link, mac, source, found, isUnicast, mustAnswer: found.HasChallenge && !isOld, mustAsk: found.HasCounter && !isKnown && !isPassed);

        if (!found.HasCounter)
            return Refuse(mac, BabelCounter.MissingPacketCounter);
        if (isPassed)
        {
            peer!.Pass(found.Index, found.Counter, isUnicast, _now);
            Count(BabelCounter.ChallengesPassed);
            return Admission.Verified;
        }

        if (!isKnown)
            return Refuse(mac, BabelCounter.UnknownIndex);
        if (isOld)
            return Refuse(mac, BabelCounter.OldPacketCounter);
        peer!.Accept(found.Counter, isUnicast, _now);
        return Admission.Verified;
    }

    private Admission Refuse(Authenticator mac, BabelCounter reason)
    {
        Count(reason);
        if (!mac.Keys.AcceptAny)
            return Admission.Refused;
        Count(BabelCounter.Tolerated);
        return Admission.Tolerated;
    }

    /// <summary>Answers the challenge of a packet and challenges its sender, in one packet and before anything else leaves: it would be refused (4.3.1.2).</summary>
    private void Challenge(BabelInterface link, Authenticator mac, BabelAddress source, in Preparse found, bool isUnicast, bool mustAnswer, bool mustAsk)
    {
        if (mustAnswer && !isUnicast)
        {
            Count(BabelCounter.ChallengesIgnored);
            mustAnswer = false;
        }

        if (!mustAnswer && !mustAsk)
            return;
        if (FindOrAddPeer(link, mac, source) is not { } peer)
            return;
        BeginPacket(link);
        Span<byte> tlv = stackalloc byte[2 + ChallengeRequestTlv.MaxNonceLength];
        if (mustAsk)
        {
            Span<byte> nonce = stackalloc byte[MacPeer.NonceLength];
            bool isTime = peer.TryChallenge(_random, _now, nonce);
            Count(isTime ? BabelCounter.ChallengesSent : BabelCounter.ChallengesSuppressed);
            if (isTime)
                _ = _writer.TryAppend(tlv[..new ChallengeRequestTlv(nonce).Encode(tlv)]);
        }

        if (mustAnswer)
        {
            bool isTime = peer.TryReply(_now);
            Count(isTime ? BabelCounter.ChallengesAnswered : BabelCounter.ChallengesIgnored);
            if (isTime)
            {
                _ = _writer.TryAppend(tlv[..new ChallengeReplyTlv(found.Nonce).Encode(tlv)]);
                // It refused all that we have sent so far, and with the answer it needs our Hellos; unless it has been hearing us and did not restart.
                if (link.Find(source) is not { LinkCost: not Metric.Infinity } || (peer.HasIndex && !peer.Knows(found.Index)))
                    WantBurst(link);
            }
        }

        if (!_writer.IsEmpty)
            Emit(link, source);
    }

    private MacPeer? FindOrAddPeer(BabelInterface link, Authenticator mac, BabelAddress source)
    {
        if (mac.Find(source) is { } known)
            return known;
        if (mac.Peers.Count >= _options.MaxNeighbours)
        {
            ExpirePeers(link, mac);
            if (mac.Peers.Count >= _options.MaxNeighbours)
            {
                Count(BabelCounter.PeerLimit);
                return null;
            }
        }

        return mac.Add(source);
    }

    private void ExpirePeers(BabelInterface link, Authenticator mac) => mac.Expire(address => link.Find(address) is not null, _now);

    /// <summary>What may be done with a packet.</summary>
    private enum Admission
    {
        /// <summary>Nothing.</summary>
        Refused,

        /// <summary>It is used: the interface has no keys.</summary>
        Unchecked,

        /// <summary>It is used, though something is wrong with it: the interface accepts anything.</summary>
        Tolerated,

        /// <summary>It is used: MAC and number are good.</summary>
        Verified,
    }
}
