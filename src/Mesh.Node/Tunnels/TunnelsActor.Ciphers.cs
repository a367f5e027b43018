namespace Mesh.Node.Tunnels;

/// <content>A network that begins to encrypt has tunnels whose packets can be read. Each is opened anew beside the old one, which is closed as any duplicate is: no packet is lost.</content>
public sealed partial class TunnelsActor
{
    private void HideAgain()
    {
        if (!_options.Encrypts || !_mayServe)
            return;
        foreach (Entry open in _tunnels.Values.Where(static t => t is { IsClient: true, IsUp: true, IsClosing: false, Destruction: null, IsHidden: false, Dialled: not null }).ToArray())
        {
            if (_tunnels.Values.Any(t => t.Peer == open.Peer && t is { IsClient: true, IsUp: false }))
                continue;   // under way already
            if (TakeIndex() is not { } index)
                return;
            Add(index, open.Peer, isClient: true, TunnelActor.Client(index, open.Peer, [ToEndpoint(open.Dialled!.Value)!], _options.TunnelNow, _ports)).Dialled = open.Dialled;
        }
    }
}
