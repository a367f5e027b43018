using System.Collections.Immutable;
using Mesh.Protocol.Addressing;

namespace Mesh.Node.Tunnels;

/// <summary>The network parameter same_country: whoever is in one of these countries has tunnels inside it only, and others have none into it (protocol reference 6).</summary>
/// <param name="Countries">Codes of two letters; empty where it does not matter.</param>
/// <param name="Own">Where we are, or null where that is not known.</param>
public readonly record struct CountryRule(ImmutableArray<string> Countries, string? Own)
{
    /// <summary>Whether it makes a difference where we are.</summary>
    public bool Matters => !Countries.IsDefaultOrEmpty;

    /// <summary>Whether a tunnel to that address may be. What is not known is no obstacle.</summary>
    public bool Allows(AdvertisedAddress address)
    {
        if (!Matters || Own is null || address.Country is not { } other || IsSame(Own, other))
            return true;
        return !IsListed(Own) && !IsListed(other);
    }

    private bool IsListed(string country)
    {
        foreach (string listed in Countries)
        {
            if (IsSame(listed, country))
                return true;
        }

        return false;
    }

    private static bool IsSame(string one, string other) => string.Equals(one, other, StringComparison.OrdinalIgnoreCase);
}
