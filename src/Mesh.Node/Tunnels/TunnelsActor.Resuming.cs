using Mesh.Protocol.Tunnel;

namespace Mesh.Node.Tunnels;

/// <content>Streams that take the place of others, and changes of the underlay.</content>
public sealed partial class TunnelsActor
{
    private void OnResumes(TunnelResumes resumes, Entry accepted)
    {
        // Only the node that the older tunnel is with may go on with it; its certificate was judged when the stream was accepted.
        if (_tunnels.TryGetValue(resumes.Older, out Entry? older) && older is { IsClient: false, IsUp: true, IsClosing: false } && older.Peer == accepted.Peer && older != accepted)
            accepted.Actor.Tell(new HandStreamOver(older.Actor));
        else
            Close(accepted, CloseReason.Unspecified, "there is no such tunnel any more");
    }

    private void OnUnderlayChanged()
    {
        foreach (Entry tunnel in _tunnels.Values.Where(static t => t is { IsUp: true, IsClosing: false }))
            tunnel.Actor.Tell(new UnderlayChanged());
        // What could not be reached from where we were may be reachable now.
        foreach ((Protocol.Addressing.NodePrefix peer, Retry retry) in _retries.ToArray())
            _retries[peer] = retry with { Delay = TimeSpan.Zero };
        OpenMissing();
    }
}
