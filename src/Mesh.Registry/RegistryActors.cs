using Mesh.Actors;
using Mesh.Actors.Ports;
using Mesh.Protocol.Addressing;
using Mesh.Registry.Authority;
using Mesh.Registry.Bootstrap;
using Mesh.Registry.Calls;
using Mesh.Registry.LocalNode;
using Mesh.Registry.Mail;
using Mesh.Registry.Parameters;
using Mesh.Registry.Revocation;
using Mesh.Registry.Rotation;
using Mesh.Registry.Sessions;

namespace Mesh.Registry;

/// <summary>A registry's actors in one system, and what they share.</summary>
/// <remarks>
/// <code>
/// HTTP --> desk --> desk/$n (one call) --> sessions     who is it?
///                                      --> registry*    tokens, prefixes, certificates
///                                      --> parameters*  what the network agrees on  &lt;-- crl*, hmac*, registry*
///                                      --> crl*         what is revoked
///                                      --> hmac*        keys of the routing protocol
///                                      --> bootstrap    who is there? --> routed-peers --> local-node
///                                      --> local-node   the node on the same machine, and others through it
///                                      --> mail         tokens by mail
/// </code>
/// Those with an asterisk persist their state. None of them may be lost: if the journal fails one of them, the desk refuses every call.
/// </remarks>
public sealed class RegistryActors
{
    private RegistryActors(ActorSystem system, RegistryOptions options, RegistryPorts ports)
    {
        (Options, Ports) = (options, ports);
        Registry = system.ActorOf(Props.Create(() => new RegistryActor(this)), "registry");
        Crl = system.ActorOf(Props.Create(() => new CrlActor(options.SnapshotInterval)), "crl");
        Hmac = system.ActorOf(Props.Create(() => new HmacActor(Registry, options, ports.Authority)), "hmac");
        Parameters = system.ActorOf(Props.Create(() => new ParametersActor(options, ports, new ParametersActor.Sources(Registry, Crl, Hmac))), "parameters");
        Sessions = system.ActorOf(Props.Create(() => new SessionsActor(Registry, ports.Authority, ports.WorkPool)), "sessions");
        NetworkPrefix network = ports.Authority.Network;
        if (ports.LocalNode is { } node)
            LocalNode = system.ActorOf(Props.Create(() => new LocalNodeActor(network, Registry, node, options.CallTimeout)), "local-node");
        ActorRef? routed = null;
        if (LocalNode is not null && ports.Routes is { } routes)
            routed = system.ActorOf(Props.Create(() => new PeersActor(network, routes, LocalNode, options.CallTimeout)), "routed-peers");
        Bootstrap = system.ActorOf(Props.Create(() => new BootstrapActor(options.AdvertisementLifetime, routed)), "bootstrap");
        if (options.Mail is { } mail && ports.Mail is { } mailPort)
            Mail = system.ActorOf(Props.Create(() => new MailActor(mail, mailPort, Registry)), "mail");
        Desk = system.ActorOf(Props.Create(() => new FrontDeskActor(this)), "desk");
    }

    /// <summary>The settings.</summary>
    public RegistryOptions Options { get; }

    /// <summary>The world.</summary>
    public RegistryPorts Ports { get; }

    /// <summary>What signs.</summary>
    public IRegistryAuthority Authority => Ports.Authority;

    /// <summary>Where it signs.</summary>
    public IWorkPool WorkPool => Ports.WorkPool;

    /// <summary>The <see cref="RegistryActor"/>: takes <see cref="RegistryCommand"/>s, for the command line too.</summary>
    public ActorRef Registry { get; }

    /// <summary>The <see cref="CrlActor"/>.</summary>
    public ActorRef Crl { get; }

    /// <summary>The <see cref="HmacActor"/>: takes <see cref="HmacCommand"/>s, for the command line too.</summary>
    public ActorRef Hmac { get; }

    /// <summary>The <see cref="ParametersActor"/>.</summary>
    public ActorRef Parameters { get; }

    /// <summary>The <see cref="SessionsActor"/>.</summary>
    public ActorRef Sessions { get; }

    /// <summary>The <see cref="BootstrapActor"/>.</summary>
    public ActorRef Bootstrap { get; }

    /// <summary>The <see cref="LocalNodeActor"/>, or null without a node on the same machine.</summary>
    public ActorRef? LocalNode { get; }

    /// <summary>The <see cref="MailActor"/>, or null where nobody gets a token by mail.</summary>
    public ActorRef? Mail { get; }

    /// <summary>The <see cref="FrontDeskActor"/>: takes <see cref="RegistryRequest"/>s.</summary>
    public ActorRef Desk { get; }

    /// <summary>The actors whose state is in the journal. When one of them stops, nothing may be promised any more.</summary>
    public IReadOnlyList<ActorRef> Persistent => [Registry, Crl, Hmac, Parameters];

    /// <summary>Makes the actors. The system's journal and its schema (<see cref="Events.RegistrySchema"/>) are the caller's.</summary>
    /// <param name="system">Called from the loop's thread, or before the loop is driven.</param>
    /// <param name="options">Valid settings, see <see cref="RegistryOptions.Validate"/>.</param>
    /// <param name="ports">The world.</param>
    /// <exception cref="ArgumentException">A setting breaks its rule; the message has all of them.</exception>
    public static RegistryActors Start(ActorSystem system, RegistryOptions options, RegistryPorts ports)
    {
        ArgumentNullException.ThrowIfNull(system);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(ports);
        if (options.Validate(ports.Authority.Network).ToList() is { Count: > 0 } problems)
            throw new ArgumentException(string.Join("; ", problems), nameof(options));
        return new RegistryActors(system, options, ports);
    }
}
