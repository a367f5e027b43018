using Mesh.Actors.Persistence;
using Mesh.DataPlane;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.Tunnel;

namespace Mesh.Node.Tunnels.Killers;

/// <content>What is stored: that a destruction has begun, what was promised, and that it is over.</content>
public sealed partial class KillersActor
{
    /// <inheritdoc/>
    protected override void ReceiveRecover(object message)
    {
        switch (message)
        {
            case SnapshotOffer { State: DestructionsSnapshot snapshot }:
                foreach (DestructionBegan began in snapshot.Begun ?? [])   // what is stored may be anything
                    Apply(began);
                foreach (DestructionLocked locked in snapshot.Locked ?? [])
                    Apply(locked);
                break;
            case RecoveryCompleted:
                LookBack();
                break;
            default:
                Apply(message);
                break;
        }
    }

    private void Store(Entry entry, Killer? next)
    {
        int number = entry.Tunnel.Index.Value;
        Killer before = entry.Killer;
        if (entry.IsNew && next is not null)
        {
            Record(new DestructionBegan(number, entry.Tunnel.Peer.CommonName, _run, next.IsOurs, (int)entry.Reason, entry.Text, next.IsForced));
        }
        else if (next is null or { State: KillerState.Unlocking })
        {
            if (before.State != KillerState.Unlocking)
                Record(new DestructionEnded(number));
        }
        else if (next.State == KillerState.Locked && (before.State != KillerState.Locked || before.IsOurs != next.IsOurs || before.AgreedTo != next.AgreedTo))
        {
            Record(new DestructionLocked(number, next.IsOurs, next.AgreedTo));
        }
    }

    private void Record(object happened) => Persist(happened, stored =>
    {
        Apply(stored);
        if (LastSequenceNr % SnapshotInterval == 0)
            SaveSnapshot(new DestructionsSnapshot([.. _stored.Values.Select(static d => d.Began)], [.. _stored.Values.Select(static d => d.Locked).OfType<DestructionLocked>()]));
    });

    private void Apply(object stored)
    {
        switch (stored)
        {
            case DestructionBegan began:
                _stored[began.Tunnel] = (began, null);
                break;
            case DestructionLocked locked when _stored.TryGetValue(locked.Tunnel, out (DestructionBegan Began, DestructionLocked? Locked) known):
                _stored[locked.Tunnel] = (known.Began, locked);
                break;
            case DestructionEnded ended:
                _stored.Remove(ended.Tunnel);
                break;
        }
    }

    // Those of an earlier run have ended with it: one of the two ends is gone.
    private void LookBack()
    {
        foreach ((DestructionBegan began, _) in _stored.Values.Where(d => d.Began.Run != _run).ToArray())
        {
            Log.Info($"the destruction of a tunnel with {began.Peer} ended when this node did");
            Record(new DestructionEnded(began.Tunnel));
        }

        if (_stored.Values.Any(d => d.Began.Run == _run))
            Context.System.EventStream.Publish(new TunnelsWanted(Self));
    }

    private void GoOn(TunnelsThere there)
    {
        _manager = Sender;
        foreach ((DestructionBegan began, DestructionLocked? locked) in _stored.Values.Where(d => d.Began.Run == _run && !_doomed.ContainsKey(d.Began.Tunnel)).ToArray())
        {
            var index = new TunnelIndex(began.Tunnel);
            if (there.Tunnels.FirstOrDefault(t => t.Index == index && t.Peer.CommonName == began.Peer) is not { } tunnel)
            {
                Record(new DestructionEnded(began.Tunnel));
                continue;
            }

            bool isOurs = locked?.IsOurs ?? began.IsOurs;
            KillerStep step = Killer.Recover(Context.Now, locked is not null, (uint?)locked?.AgreedTo, isOurs ? NextRound() : null, began.IsForced, _times);
            if (step.Killer is { IsOurs: false, PeerRound: null })
            {
                // The peer's request is forgotten: it asks again or gives up. But what routes there are may come back.
                Record(new DestructionEnded(began.Tunnel));
                _router.Tell(new Routing.LockLink(index, Killer.FreeMultiplier, Number: 0, SeeksOtherWays: false), Self);
                Context.System.EventStream.Publish(new DestructionChanged(index, null));
                continue;
            }

            var entry = new Entry(tunnel, step.Killer!) { Reason = (CloseReason)began.Reason, Text = began.Text, PeerReason = (CloseReason)began.Reason, PeerText = began.Text, IsNew = false };
            _doomed[began.Tunnel] = entry;
            Take(entry, step);
        }
    }
}
