using System.Globalization;
using Mesh.DataPlane;
using Mesh.Node.Peers;
using Mesh.Node.Ports;
using Mesh.Node.Tunnels.OpenVpn;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.Registry;
using Mesh.Protocol.Tunnel;

namespace Mesh.Node.Tunnels;

/// <content>
/// Tunnels of OpenVPN count as any others. A peer is dialled natively where it can be, and otherwise as its addresses say. Of a peer's certificate OpenVPN tells the common name and the serial
/// number; it has checked the rest.
/// </content>
public sealed partial class TunnelsActor
{
    private NetworkParameters? _parameters;

    private bool ReceiveOpenVpn(object message)
    {
        switch (message)
        {
            case OpenVpnPeerAsks asks:
                Accept(asks);
                return true;
            case OpenVpnTunnelUp up when IsFromTunnel(up.Index, out Entry? entry):
                OnUp(up, entry);
                return true;
            case PeerKillRequested asked:
                OnKillRequested(asked);
                return true;
            case PeerKillAnswered answered:
                OnKillAnswered(answered);
                return true;
            case OpenVpnTunnelUp:
                return true;   // of a tunnel of our own past, from before a restart
            default:
                return false;
        }
    }

    private bool IsUsable(AdvertisedAddress address) => address.Protocol == AddressProtocol.Mesh
        ? ToEndpoint(address) is not null && _countries.Allows(address)
        : _ports.OpenVpn is { } equipment && _parameters is not null && !equipment.Options.Disabled.Contains(address.Protocol) && _countries.Allows(address);

    private OpenVpnClientOrder OrderFor(TunnelIndex index, NodePrefix peer, AdvertisedAddress address) =>
        new(peer, address, _ports.OpenVpn!.LinkOf(index.Value.ToString(CultureInfo.InvariantCulture), _parameters!.Hello, _parameters.Encrypt));

    private void Accept(OpenVpnPeerAsks asks)
    {
        OpenVpnPeer who = asks.Asks.Peer;
        string? problem = null;
        if (!NodePrefix.TryParseCommonName(who.CommonName, out NodePrefix peer) || peer == _options.Self || who.SerialNumber is not { } serial)
            (problem, serial) = ("its certificate is none of another node", 0);
        else if (!_mayServe)
            problem = "this node is out of service";
        else if (IsRevoked(serial))
            problem = "its certificate has been revoked";
        else if (_tunnels.Values.Count(t => t is { IsServed: true, IsClosing: false } && t.Peer != peer) >= _options.MaxClients)
            problem = "no place is free";
        if (problem is null && TakeIndex() is { } index)
        {
            Entry entry = Add(index, peer, isClient: false, OpenVpnTunnelActor.Server(index, peer, asks, _ports));
            (entry.IsServed, entry.SerialNumber) = (true, serial);
            return;
        }

        Log.Info($"refused a tunnel of OpenVPN from {who.CommonName} at {who.Remote}: {problem ?? "there are too many tunnels"}");
        _ports.OpenVpn!.Port.Refuse(asks.Asks, problem ?? "no place is free");
    }

    private void OnUp(OpenVpnTunnelUp up, Entry mine)
    {
        NoteUp(mine, up.Peer);
        (mine.SerialNumber, mine.Until) = (up.SerialNumber, DateTimeOffset.MaxValue);   // OpenVPN looks at the end of the certificate when it renews its keys
        mine.IsHidden = true;   // or as the network wants it, which OpenVPN was told
        if (mine.IsClosing)
            return;   // it came up while it was told to close
        if (IsRevoked(up.SerialNumber))
            Close(mine, CloseReason.NotAllowed, "its certificate has been revoked");
        else if (StaysBesideOthers(up.Index, mine))
            Log.Info($"tunnel of OpenVPN to {up.Peer} is up ({(mine.IsClient ? "opened" : "accepted")})");
        OnExternalAddress(mine, up.SeenAt);
    }

    // Tunnels that we opened are opened anew where the network wants them otherwise; the servers see to the others.
    private void OnOpenVpnTerms(NetworkParameters parameters)
    {
        (NetworkParameters? before, _parameters) = (_parameters, parameters);
        if (before is null || (before.Hello == parameters.Hello && before.Encrypt == parameters.Encrypt))
            return;
        foreach (Entry tunnel in _tunnels.Values.Where(static t => t is { IsClient: true, IsClosing: false, Dialled: { Protocol: not AddressProtocol.Mesh } }))
            Close(tunnel, CloseReason.Retired, "the network's parameters have changed");
    }

    private bool IsRevoked(ulong serial) => _parameters?.RevokedSerials.Contains(serial) ?? false;

    private bool MayStay(Entry tunnel, out string problem)
    {
        if (tunnel.SerialNumber is not { } serial)
            return _ports.Identify(tunnel.Certificate, out _, out problem);
        problem = IsRevoked(serial) ? "its certificate has been revoked" : "";
        return problem.Length == 0;
    }
}
