using Mesh.Actors.Ports;
using Mesh.Registry.Authority;
using Mesh.Registry.Geography;
using Mesh.Registry.LocalNode;
using Mesh.Registry.Mail;

namespace Mesh.Registry;

/// <summary>The world of a registry. What is null is not there, and the methods that need it say so.</summary>
/// <param name="Authority">What signs.</param>
/// <param name="WorkPool">Where it signs.</param>
public sealed record RegistryPorts(IRegistryAuthority Authority, IWorkPool WorkPool)
{
    /// <summary>Knows in which country an address is.</summary>
    public ICountries? Countries { get; init; }

    /// <summary>Sends mails with tokens. Needs <see cref="RegistryOptions.Mail"/>.</summary>
    public IMailPort? Mail { get; init; }

    /// <summary>The node on the same machine.</summary>
    public ILocalNodePort? LocalNode { get; init; }

    /// <summary>The routing daemon on the same machine.</summary>
    public IRouteDumpPort? Routes { get; init; }
}
