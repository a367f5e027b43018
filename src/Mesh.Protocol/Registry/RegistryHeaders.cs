namespace Mesh.Protocol.Registry;

/// <summary>Names of the HTTP headers of the registry's interface.</summary>
public static class RegistryHeaders
{
    /// <summary>Base64 of the HMAC of a request's path and query, or of an answer's body.</summary>
    public const string Hmac = "Re6stHMAC";

    /// <summary>Whom a proxy forwards for.</summary>
    public const string ForwardedFor = "X-Forwarded-For";
}
