using Mesh.Actors;
using Mesh.Actors.Ports;
using Mesh.Registry.Authority;
using Mesh.Registry.Bootstrap;
using Mesh.Registry.Calls;
using Mesh.Registry.Sessions;

namespace Mesh.Registry;

/// <summary>A registry's actors in one system, and what they share.</summary>
/// <remarks>
/// <code>
/// HTTP --> desk --> desk/$n (one call) --> sessions   who is it?
///                                      --> registry*  what is asked
///                                      --> bootstrap  who is there?
/// </code>
/// </remarks>
public sealed class RegistryActors
{
    private RegistryActors(ActorSystem system, RegistryOptions options, IRegistryAuthority authority, IWorkPool workPool)
    {
        (Options, Authority, WorkPool) = (options, authority, workPool);
        Registry = system.ActorOf(Props.Create(() => new RegistryActor(options, authority, workPool)), "registry");
        Sessions = system.ActorOf(Props.Create(() => new SessionsActor(Registry, authority, workPool)), "sessions");
        Bootstrap = system.ActorOf(Props.Create(() => new BootstrapActor(options.AdvertisementLifetime)), "bootstrap");
        Desk = system.ActorOf(Props.Create(() => new FrontDeskActor(this)), "desk");
    }

    /// <summary>The settings.</summary>
    public RegistryOptions Options { get; }

    /// <summary>What signs.</summary>
    public IRegistryAuthority Authority { get; }

    /// <summary>Where it signs.</summary>
    public IWorkPool WorkPool { get; }

    /// <summary>The <see cref="RegistryActor"/>: takes <see cref="RegistryCommand"/>s, for the command line too.</summary>
    public ActorRef Registry { get; }

    /// <summary>The <see cref="SessionsActor"/>.</summary>
    public ActorRef Sessions { get; }

    /// <summary>The <see cref="BootstrapActor"/>.</summary>
    public ActorRef Bootstrap { get; }

    /// <summary>The <see cref="FrontDeskActor"/>: takes <see cref="RegistryRequest"/>s.</summary>
    public ActorRef Desk { get; }

    /// <summary>Makes the actors. The system's journal and its schema (<see cref="Events.RegistrySchema"/>) are the caller's.</summary>
    /// <param name="system">Called from the loop's thread, or before the loop is driven.</param>
    /// <param name="options">Valid settings, see <see cref="RegistryOptions.Validate"/>.</param>
    /// <param name="authority">What signs.</param>
    /// <param name="workPool">Where it signs.</param>
    /// <exception cref="ArgumentException">A setting breaks its rule; the message has all of them.</exception>
    public static RegistryActors Start(ActorSystem system, RegistryOptions options, IRegistryAuthority authority, IWorkPool workPool)
    {
        ArgumentNullException.ThrowIfNull(system);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(authority);
        ArgumentNullException.ThrowIfNull(workPool);
        if (options.Validate(authority.Network).ToList() is { Count: > 0 } problems)
            throw new ArgumentException(string.Join("; ", problems), nameof(options));
        return new RegistryActors(system, options, authority, workPool);
    }
}
