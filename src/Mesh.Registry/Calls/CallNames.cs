namespace Mesh.Registry.Calls;

/// <summary>Names of methods that registries of re6st do not have.</summary>
public static class CallNames
{
    /// <summary><c>advertise(cn, addresses)</c>, authenticated: a node says where it can be reached, as an address list (protocol reference 4.5). The answer is 204.</summary>
    /// <remarks>Believed for <see cref="RegistryOptions.AdvertisementLifetime"/>; an empty list takes it back.</remarks>
    public const string Advertise = "advertise";

    /// <summary>The argument that holds the address list.</summary>
    public const string AddressesArgument = "addresses";
}
