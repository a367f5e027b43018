using Mesh.Actors;
using Mesh.Babel;
using Mesh.Protocol.Addressing;

namespace Mesh.Node.Routing;

/// <content>The router-id and the sequence numbers, which are kept from one start to the next.</content>
public sealed partial class BabelActor
{
    private ActorRef? _identity;
    private bool _isReserving;

    private bool HasSpeaker => _speaker is not null;

    // A router-id of this start only does without memory: what others remember of the one before does not concern it.
    private void BeginOrRecall()
    {
        if (_options.IsIdentityKept)
            _identity = Context.ActorOf(Props.Create(() => new RouterIdentityActor(Self) { Mutation = _options.Mutation }), "identity");
        else
            Begin(new RouterId(Context.Random.NextUInt64() | 1), first: null);
    }

    private void OnIdentity(RouterIdentity identity)
    {
        if (!HasSpeaker)
        {
            Begin(identity.RouterId, identity.First);
            UnstashAll();
        }

        _speaker.SeqnoLimit = identity.Limit;
        _isReserving = false;
    }

    private void Begin(RouterId routerId, Seqno? first)
    {
        _speaker = new BabelSpeaker(routerId, _options.Speaker, Context.Random.Fork().NextUInt64, this, filter: Filter(), firstSeqno: first);
        Ipv6Prefix own = _options.Self.Subnet(_options.Network);
        _speaker.Announce(new BabelPrefix(own.Bits, (byte)own.Length), Context.Now);
        AnnounceGateway();
        ArmTimer();
    }

    // In time: at the limit the number stands still, and whoever asks for a newer one has to wait.
    private void ReserveSeqnos()
    {
        if (_isReserving || _identity is null || _speaker.SeqnoLimit is not { } limit || limit.DistanceFrom(_speaker.Seqno) > RouterIdentityActor.Step / 2)
            return;
        _isReserving = true;
        _identity.Tell(new ReserveSeqnos(_speaker.Seqno), Self);
    }
}
