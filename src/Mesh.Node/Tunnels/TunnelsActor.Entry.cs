using System.Net;
using Mesh.Actors;
using Mesh.DataPlane;
using Mesh.Node.Tunnels.Killers;
using Mesh.Protocol.Addressing;

namespace Mesh.Node.Tunnels;

/// <content>What the manager knows of one tunnel.</content>
public sealed partial class TunnelsActor
{
    private sealed class Entry(TunnelIndex index, ActorRef actor, NodePrefix peer, bool isClient)
    {
        public TunnelIndex Index => index;

        public ActorRef Actor => actor;

        public NodePrefix Peer => peer;

        public bool IsClient => isClient;

        /// <summary>The address at which we opened it.</summary>
        public AdvertisedAddress? Dialled { get; set; }

        /// <summary>All addresses that were tried for it; once it is up, <see cref="Dialled"/> is the one that answered.</summary>
        public AdvertisedAddress[] DialledBeside { get; set; } = [];

        public bool IsUp { get; set; }

        public bool IsClosing { get; set; }

        /// <summary>Its packets cannot be read by others.</summary>
        public bool IsHidden { get; set; }

        /// <summary>Closed because its peer may not have tunnels any more.</summary>
        public bool IsRefused { get; set; }

        /// <summary>How far its orderly destruction is, or null.</summary>
        public KillerState? Destruction { get; set; }

        /// <summary>Its place has been given to another.</summary>
        public bool IsReplaced { get; set; }

        /// <summary>Accepted, and its place is granted.</summary>
        public bool IsServed { get; set; }

        /// <summary>Its peer said that it has no other tunnel.</summary>
        public bool IsPeersOnly { get; set; }

        public TimeSpan UpSince { get; set; }

        public ReadOnlyMemory<byte> Certificate { get; set; }

        /// <summary>Serial number of the certificate, where it is known in place of <see cref="Certificate"/>: of tunnels of OpenVPN.</summary>
        public ulong? SerialNumber { get; set; }

        /// <summary>Where its server sees us, see <see cref="OnExternalAddress"/>; null before it has said so, and of other tunnels.</summary>
        public IPAddress? SeenAt { get; set; }

        /// <summary>End of <see cref="Certificate"/>.</summary>
        public DateTimeOffset Until { get; set; }

        /// <summary>Before that no other certificate is looked at.</summary>
        public TimeSpan RenewalAgainAt { get; set; }
    }
}
