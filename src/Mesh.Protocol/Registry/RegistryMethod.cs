using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;

namespace Mesh.Protocol.Registry;

/// <summary>Who may call a method of the registry.</summary>
public enum RegistryAccess
{
    /// <summary>Everybody.</summary>
    Public,

    /// <summary>A node that proves to be the one that the argument <c>cn</c> names.</summary>
    Authenticated,

    /// <summary>Machines that the operator listed; by default the registry's own.</summary>
    Private,
}

/// <summary>One method of the registry: its name on the wire, who may call it and what it takes.</summary>
public sealed record RegistryMethod
{
    /// <summary>Fresh session secret for a node.</summary>
    public const string Hello = "hello";

    /// <summary>Certificate of the authority, PEM.</summary>
    public const string GetCa = "getCa";

    /// <summary>Sends a registration token by mail.</summary>
    public const string RequestToken = "requestToken";

    /// <summary>Issues a certificate for a token, PEM.</summary>
    public const string RequestCertificate = "requestCertificate";

    /// <summary>Diffie-Hellman parameters, PEM.</summary>
    public const string GetDh = "getDh";

    /// <summary>Parameters of the network, see <see cref="NetworkParameters"/>.</summary>
    public const string GetNetworkConfig = "getNetworkConfig";

    /// <summary>Renewed certificate, or the present one when there is nothing to do, PEM.</summary>
    public const string RenewCertificate = "renewCertificate";

    /// <summary>The authority's word that a certificate is revoked, for a node that is shut out and so cannot ask for the parameters; empty where it is not. It is ours.</summary>
    public const string GetRevocation = "getRevocation";

    /// <summary>Another node to connect to, encrypted, see <see cref="BootstrapPeer"/>.</summary>
    public const string GetBootstrapPeer = "getBootstrapPeer";

    /// <summary>Tells the registry where the node can be reached, as an address list; an empty one takes that back. It is ours: re6st nodes never call it.</summary>
    public const string Advertise = "advertise";

    /// <summary>Country code of an address.</summary>
    public const string GetCountry = "getCountry";

    /// <summary>Whether a token exists.</summary>
    public const string IsToken = "isToken";

    /// <summary>Adds a token.</summary>
    public const string AddToken = "addToken";

    /// <summary>Deletes a token.</summary>
    public const string DeleteToken = "deleteToken";

    /// <summary>Revokes a certificate by common name or serial number.</summary>
    public const string Revoke = "revoke";

    /// <summary>Next step of the rotation of the routing keys.</summary>
    public const string UpdateHmac = "updateHMAC";

    /// <summary>Common name of the node of an e-mail address.</summary>
    public const string GetNodePrefix = "getNodePrefix";

    /// <summary>First address of the subnet of the node of an e-mail address.</summary>
    public const string GetIpv6Address = "getIPv6Address";

    /// <summary>Host of the first advertised address of the node of an e-mail address.</summary>
    public const string GetIpv4Information = "getIPv4Information";

    /// <summary>What software the nodes run, JSON.</summary>
    public const string Versions = "versions";

    /// <summary>Which nodes have tunnels with which, JSON.</summary>
    public const string Topology = "topology";

    /// <summary>Argument that names the calling node, as bits. A method with it is authenticated.</summary>
    public const string CommonNameArgument = "cn";

    /// <summary>Argument of <see cref="Advertise"/> that holds the address list.</summary>
    public const string AddressesArgument = "addresses";

    /// <summary>Argument of <see cref="GetRevocation"/>: the X.509 serial number of the certificate, decimal.</summary>
    public const string SerialArgument = "serial";

    private static readonly FrozenDictionary<string, RegistryMethod> ByName = Table().ToFrozenDictionary(static method => method.Name, StringComparer.Ordinal);

    private RegistryMethod(string name, RegistryAccess access, string required = "", string optional = "")
    {
        Name = name;
        Access = access;
        Required = [.. required.Split(' ', StringSplitOptions.RemoveEmptyEntries)];
        Optional = [.. optional.Split(' ', StringSplitOptions.RemoveEmptyEntries)];
    }

    /// <summary>The name in the path.</summary>
    public string Name { get; }

    /// <summary>Who may call it.</summary>
    public RegistryAccess Access { get; }

    /// <summary>Names of the arguments that have to be there.</summary>
    public ImmutableArray<string> Required { get; }

    /// <summary>Names of the arguments that may be left out.</summary>
    public ImmutableArray<string> Optional { get; }

    /// <summary>The method with a name; false when the registry has none, upper and lower case being different.</summary>
    public static bool TryFind(string name, [NotNullWhen(true)] out RegistryMethod? method) => ByName.TryGetValue(name, out method);

    /// <summary>Whether a call has every argument that it needs and none that the method does not know.</summary>
    public bool Accepts(RegistryCall call)
    {
        ArgumentNullException.ThrowIfNull(call);
        return Required.All(call.Arguments.ContainsKey)
            && call.Arguments.Keys.All(name => Required.Contains(name, StringComparer.Ordinal) || Optional.Contains(name, StringComparer.Ordinal));
    }

    private static RegistryMethod[] Table() =>
    [
        new(Hello, RegistryAccess.Public, "client_prefix", "protocol"),
        new(GetCa, RegistryAccess.Public),
        new(RequestToken, RegistryAccess.Public, "email"),
        new(RequestCertificate, RegistryAccess.Public, "token req", "location ip"),
        new(GetRevocation, RegistryAccess.Public, SerialArgument),
        new(GetDh, RegistryAccess.Authenticated, CommonNameArgument),
        new(GetNetworkConfig, RegistryAccess.Authenticated, CommonNameArgument),
        new(RenewCertificate, RegistryAccess.Authenticated, CommonNameArgument),
        new(GetBootstrapPeer, RegistryAccess.Authenticated, CommonNameArgument),
        new(Advertise, RegistryAccess.Authenticated, "cn addresses"),
        new(GetCountry, RegistryAccess.Authenticated, "cn address"),
        new(IsToken, RegistryAccess.Private, "token"),
        new(AddToken, RegistryAccess.Private, "email token"),
        new(DeleteToken, RegistryAccess.Private, "token"),
        new(Revoke, RegistryAccess.Private, "cn_or_serial"),
        new(UpdateHmac, RegistryAccess.Private),
        new(GetNodePrefix, RegistryAccess.Private, "email"),
        new(GetIpv6Address, RegistryAccess.Private, "email"),
        new(GetIpv4Information, RegistryAccess.Private, "email"),
        new(Versions, RegistryAccess.Private),
        new(Topology, RegistryAccess.Private),
    ];
}
