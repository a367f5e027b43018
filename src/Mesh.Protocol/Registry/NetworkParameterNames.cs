namespace Mesh.Protocol.Registry;

/// <summary>Names of the parameters of a network on the wire.</summary>
public static class NetworkParameterNames
{
    /// <summary>List of the names whose values are base64: the empty name.</summary>
    public const string Base64Names = "";

    /// <summary>See <see cref="NetworkParameters.Version"/>.</summary>
    public const string Version = "version";

    /// <summary>See <see cref="NetworkParameters.Protocol"/>.</summary>
    public const string Protocol = "protocol";

    /// <summary>See <see cref="NetworkParameters.MinProtocol"/>.</summary>
    public const string MinProtocol = "min_protocol";

    /// <summary>See <see cref="NetworkParameters.RegistryPrefix"/>.</summary>
    public const string RegistryPrefix = "registry_prefix";

    /// <summary>See <see cref="NetworkParameters.RevokedSerials"/>.</summary>
    public const string RevokedSerials = "crl";

    /// <summary>See <see cref="NetworkParameters.BabelDefault"/>.</summary>
    public const string BabelDefault = "babel_default";

    /// <summary>See <see cref="NetworkParameters.Hello"/>.</summary>
    public const string Hello = "hello";

    /// <summary>See <see cref="NetworkParameters.ClientCount"/>.</summary>
    public const string ClientCount = "client_count";

    /// <summary>See <see cref="NetworkParameters.MaxClients"/>.</summary>
    public const string MaxClients = "max_clients";

    /// <summary>See <see cref="NetworkParameters.TunnelRefresh"/>.</summary>
    public const string TunnelRefresh = "tunnel_refresh";

    /// <summary>See <see cref="NetworkParameters.Encrypt"/>.</summary>
    public const string Encrypt = "encrypt";

    /// <summary>See <see cref="NetworkParameters.Ipv4"/>.</summary>
    public const string Ipv4 = "ipv4";

    /// <summary>See <see cref="NetworkParameters.Ipv4SubnetLength"/>.</summary>
    public const string Ipv4SubnetLength = "ipv4_sublen";

    /// <summary>See <see cref="NetworkParameters.SameCountry"/>.</summary>
    public const string SameCountry = "same_country";

    /// <summary>See <see cref="NetworkParameters.BabelHmacSign"/>.</summary>
    public const string BabelHmacSign = "babel_hmac_sign";

    /// <summary>See <see cref="NetworkParameters.BabelHmacAccept"/>.</summary>
    public const string BabelHmacAccept = "babel_hmac_accept";

    /// <summary>See <see cref="NetworkParameters.ValidUntil"/>.</summary>
    public const string ValidUntil = "valid_until";

    /// <summary>See <see cref="NetworkParameters.DelayRestart"/>.</summary>
    public const string DelayRestart = "delay_restart";
}
