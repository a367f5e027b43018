using Mesh.Actors.Ports;
using Mesh.Registry.Authority;

namespace Mesh.Registry;

/// <summary>The world of a registry: what signs, and where slow work is done.</summary>
/// <param name="Authority">What signs.</param>
/// <param name="WorkPool">Where it signs.</param>
public sealed record RegistryPorts(IRegistryAuthority Authority, IWorkPool WorkPool);
